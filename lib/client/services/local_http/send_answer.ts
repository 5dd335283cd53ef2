import type { Incoming } from "../service.ts";
import type { HostCheckLook } from "./host_check.ts";
import type { OriginResponse } from "./origin_response.ts";

/** Sends the origin's answer into the tunnel, as fast as that takes it; `look` sees what passes. */
export async function sendAnswer(
  incoming: Incoming,
  response: OriginResponse,
  look: HostCheckLook | null,
): Promise<void> {
  let read = response.read();
  const isWhole = read === null && response.trailers === null;
  incoming.respond(response.head, isWhole);
  if (isWhole) return;
  for (;;) {
    let bytes = read instanceof Promise ? await read : read;
    if (bytes === null) break;
    look?.see(bytes);
    if (response.complete && response.trailers === null) {
      // The last bytes and the end need one frame.
      const ended = incoming.end(bytes);
      if (ended !== undefined) await ended;
      response.read();
      return;
    }
    const written = incoming.write(bytes);
    if (written !== undefined) await written;
    const credit = incoming.credit();
    if (credit instanceof Promise) {
      // A view of the connection's buffer would keep it in memory.
      read = bytes = null;
      response.pause();
      read = response.read(await credit);
    } else read = response.read(credit);
  }
  if (response.trailers !== null) incoming.sendTrailers(response.trailers);
  await incoming.end();
}
