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
    const bytes = read instanceof Promise ? await read : read;
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
    read = response.read();
  }
  if (response.trailers !== null) incoming.sendTrailers(response.trailers);
  await incoming.end();
}
