import { RedisBus } from "../../lib/server/bus/redis_bus.ts";

/** What the buses of tests serve, and the beginning of every key and channel for it. */
export const BUS_DOMAIN = "tunnel.example";
export const BUS_PREFIX = `tunnel:${BUS_DOMAIN}`;

/** A bus that is closed when its scope ends. */
export type OpenBus = RedisBus & AsyncDisposable;

export async function openRedisBus(url: string, domain = BUS_DOMAIN): Promise<OpenBus> {
  const bus = await RedisBus.connect(url, { domain });
  return Object.assign(bus, { [Symbol.asyncDispose]: () => bus.close() });
}

/** Opens the buses of two nodes. */
export async function openRedisBuses(
  url: string,
  domain = BUS_DOMAIN,
): Promise<AsyncDisposable & { readonly one: OpenBus; readonly other: OpenBus }> {
  await using opened = new AsyncDisposableStack();
  const one = opened.use(await openRedisBus(url, domain));
  const other = opened.use(await openRedisBus(url, domain));
  const owned = opened.move();
  return { one, other, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
