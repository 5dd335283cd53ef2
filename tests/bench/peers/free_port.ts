/** Finds a port of this machine that is free now, for programs that cannot choose one and tell it. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
