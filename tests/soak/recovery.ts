import { eventually } from "../testing/eventually.ts";
import { Program } from "../testing/program.ts";
import { Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";
import type { Link } from "./link.ts";

/** Milliseconds after which something counts as not having come at all. */
const NEVER = 60_000;

/** Milliseconds for one of the requests that look whether a tunnel works. */
const ONE_TRY = 1_000;

/** Returns the milliseconds until the check holds. @throws {Error} after a minute. */
export async function untilHolds(
  what: string,
  check: () => boolean | Promise<boolean>,
  since = performance.now(),
): Promise<number> {
  await eventually(what, check, NEVER);
  return performance.now() - since;
}

/** Returns the milliseconds until the tunnel answers a request. @throws {Error} after a minute. */
export async function untilWorks(tunnel: Tunnel, since = performance.now()): Promise<number> {
  return await untilHolds("the tunnel to work", () => works(tunnel), since);
}

async function works(tunnel: Tunnel): Promise<boolean> {
  using visitor = await tunnel.open();
  const { status } = await within(visitor.exchange(tunnel.write("/")), "an answer", ONE_TRY);
  return status === 200;
}

/** Starts a client that reaches its server through a link alone. */
export async function startThrough(
  link: Link,
  server: Program,
  origin: { readonly port: number },
): Promise<Tunnel> {
  await using started = new AsyncDisposableStack();
  const client = started.use(
    await Program.start("client.ts", [
      ...["--server", `http://127.0.0.1:${link.port}`],
      ...["--host", "127.0.0.1", "--port", `${origin.port}`],
    ]),
  );
  return new Tunnel(server, client, started.move());
}

/** Starts a server where another one was. */
export function startServerAt(port: string): Promise<Program> {
  return Program.start("server.ts", ["--hostname", "127.0.0.1", "--port", port]);
}
