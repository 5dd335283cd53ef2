import { assertEquals, assertStrictEquals } from "@std/assert";
import { StreamedBody } from "../../../../lib/server/listen/own/streamed_body.ts";
import type { BodySource } from "../../../../lib/server/listen/visit.ts";
import { responseText } from "../../../../lib/http/response_writer.ts";
import { joined } from "../../../testing/frame_peer.ts";
import { SeededRandom } from "../../../testing/seeded_random.ts";

/** Bytes of a message that pieces of several bodies came in. */
const MESSAGE = 256 * 1024;

Deno.test("StreamedBody.settle keeps the bytes that are left, and nothing of the buffer and the message they came in", () => {
  const message = new SeededRandom().bytes(MESSAGE);
  const body = begun([message.subarray(0, 50_000), message.subarray(50_000, 100_000)], 100_000);
  const first = body.next(never) ?? NOTHING;
  assertStrictEquals(first.length, HEAD.length + 65_536);
  const sent = first.slice(0, 60_000);
  const left = body.settle(first.subarray(60_000));
  assertStrictEquals(left.buffer.byteLength, HEAD.length + 5_536);
  const rest = left.slice();
  const expected = message.slice(0, 100_000);
  message.fill(0);
  const got = joined(sent, rest, body.next(never) ?? NOTHING);
  assertEquals(got.subarray(HEAD.length), expected);
  assertEquals(body.next(never), null);
});

Deno.test("StreamedBody loses and repeats nothing, wherever a visitor stops to take it", () => {
  const random = new SeededRandom();
  for (const framing of ["chunked", 300_000] as const) {
    const bytes = random.bytes(300_000);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + random.integer(1, 65_536));
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    const [plain, settled] = [false, true].map((settles) => {
      const body = begun(pieces, framing);
      const sent: Uint8Array[] = [];
      for (let next = body.next(never); next !== null; next = body.next(never)) {
        for (let rest = next; rest.length > 0;) {
          const count = random.integer(1, rest.length);
          sent.push(rest.slice(0, count));
          rest = rest.subarray(count);
          if (settles && rest.length > 0) rest = body.settle(rest);
        }
      }
      return joined(...sent);
    });
    assertEquals(settled, plain);
  }
});

const NOTHING = new Uint8Array(0);

const HEAD = "HTTP/1.1 200 OK\r\n\r\n";

/** Begins an answer whose body is here already. */
function begun(pieces: readonly Uint8Array<ArrayBuffer>[], framing: number | "chunked") {
  const left = pieces.map((bytes) => ({ bytes }));
  const source: BodySource = { trailers: null, read: () => left.shift() ?? null, cancel() {} };
  const body = new StreamedBody(source, framing, { onPiece() {}, onBodyOver() {} });
  body.begin(responseText({ status: 200, fields: [] }, { text: "", lines: 0 }));
  return body;
}

function never(): void {
  throw new Error("all of it is here");
}
