import { assertEquals } from "@std/assert";
import {
  OriginConnection,
  READ_BUFFER,
} from "../../../../lib/client/services/local_http/origin_connection.ts";
import { OriginResponse } from "../../../../lib/client/services/local_http/origin_response.ts";
import { sendAnswer } from "../../../../lib/client/services/local_http/send_answer.ts";
import { eventually } from "../../../testing/eventually.ts";
import { FakeIncoming } from "../../../testing/fake_incoming.ts";
import { toText } from "../../../testing/latin1.ts";
import { RawOrigin } from "../../../testing/raw_origin.ts";
import { SeededRandom } from "../../../testing/seeded_random.ts";
import { within } from "../../../testing/within.ts";

/** Bytes of an answer. */
const LENGTH = 1_000_000;

Deno.test("sendAnswer reads what the visitor takes, keeps no buffer for one who takes nothing, and loses nothing", async () => {
  const body = new SeededRandom().bytes(LENGTH);
  const chunks = Array.from(
    { length: 100 },
    (_, i) => `2710\r\n${toText(body.subarray(i * 10_000, (i + 1) * 10_000))}\r\n`,
  );
  const answers = [
    [`content-length: ${LENGTH}`, toText(body)],
    ["transfer-encoding: chunked", `${chunks.join("")}0\r\n\r\n`],
  ];
  for (const [framing, octets] of answers) {
    await using origin = new RawOrigin(async (peer) => {
      await peer.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${octets}`);
    });
    const visitor = new Visitor();
    const { connection, response } = await answerOf(origin);
    const sent = sendAnswer(visitor, await response, null);
    await eventually("a visitor who takes nothing", () => visitor.isAwaited);
    for (const credit of [1, 10_000, 100_000]) {
      assertEquals(connection.buffer.length, 0);
      const { length } = visitor.text;
      visitor.take(credit);
      await eventually("one who takes nothing more", () => visitor.isAwaited);
      assertEquals(visitor.text.length <= length + credit, true, `${visitor.text.length}`);
    }
    assertEquals(visitor.text.length <= READ_BUFFER + 110_001, true);
    visitor.take(Infinity);
    await within(sent, "the end of an answer");
    assertEquals(visitor.text, toText(body));
    connection.close();
  }
});

/** A visitor who takes a number of bytes, and then nothing until it takes more. */
class Visitor extends FakeIncoming {
  #credit = 0;
  #awaiting: PromiseWithResolvers<number> | null = null;

  /** Whether it is waited for. */
  get isAwaited(): boolean {
    return this.#awaiting !== null;
  }

  take(bytes: number): void {
    this.#credit += bytes;
    this.#awaiting?.resolve(this.#credit);
    this.#awaiting = null;
  }

  override credit(): number | Promise<number> {
    if (this.#credit > 0) return this.#credit;
    this.#awaiting = Promise.withResolvers();
    return this.#awaiting.promise;
  }

  override write(bytes: Uint8Array): void | Promise<void> {
    this.#credit = Math.max(0, this.#credit - bytes.length);
    return super.write(bytes);
  }
}

/** Connects to an origin that answers by itself. */
async function answerOf(origin: RawOrigin): Promise<{
  readonly connection: OriginConnection;
  readonly response: Promise<OriginResponse>;
}> {
  const head = Promise.withResolvers<OriginResponse>();
  let response: OriginResponse | null = null;
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: origin.port });
  const connection = new OriginConnection(socket, {
    received(connection) {
      if (response !== null) return response.received(connection);
      const { buffer, start, end, heads } = connection;
      const parsed = heads.parse(buffer, start, end, "GET");
      if (parsed === null) return connection.receive();
      connection.start = parsed.end;
      response = new OriginResponse(parsed, connection, {
        finish() {},
        fail: (error) => head.reject(error),
      });
      head.resolve(response);
    },
    ended() {},
  });
  connection.receive();
  return { connection, response: head.promise };
}
