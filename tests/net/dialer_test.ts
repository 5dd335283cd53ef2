import { assertEquals, assertRejects } from "@std/assert";
import { TCPDialer } from "../../lib/net/dialer.ts";

const NEVER = new AbortController().signal;

Deno.test("TCPDialer finds what listens on one loopback address alone when it is asked for localhost", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    using listener = Deno.listen({ hostname, port: 0 });
    const dialer = new TCPDialer("localhost", listener.addr.port);
    for (let i = 0; i < 2; i++) assertEquals(await reached(dialer, listener), hostname);
  }
});

Deno.test("TCPDialer connects to the host that it is given, and to no other address", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(await reached(new TCPDialer("127.0.0.1", port), listener), "127.0.0.1");
  const other = new TCPDialer("::1", port);
  await assertRejects(() => other.connect(NEVER), Deno.errors.ConnectionRefused);
});

Deno.test("TCPDialer leads names below localhost to this machine, whatever the system's resolver knows", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialer = new TCPDialer("shop.tunnel.localhost", listener.addr.port);
  assertEquals(await reached(dialer, listener), "127.0.0.1");
});

/** Connects, and returns the address at which the listener was reached. */
async function reached(dialer: TCPDialer, listener: Deno.TcpListener): Promise<string> {
  const connection = await dialer.connect(NEVER);
  using accepted = await listener.accept();
  connection.close();
  return accepted.localAddr.hostname;
}
