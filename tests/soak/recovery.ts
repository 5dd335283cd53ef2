import { eventually } from "../testing/eventually.ts";
import type { Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

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
