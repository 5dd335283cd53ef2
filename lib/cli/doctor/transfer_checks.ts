import { withTimeout } from "../../net/with_timeout.ts";
import { DialError } from "../../websocket/dial_error.ts";
import { type Finding, right, wrong } from "./finding.ts";
import { sizeText, speedText } from "../measures.ts";
import { PATIENCE, type PublicWay } from "./public_way.ts";
import { failedVisit, wrongStatus } from "./visit_failure.ts";
import { Visitor } from "./visitor.ts";

export interface TransferOptions extends PublicWay {
  /** Bytes to send. */
  readonly size: number;
}

const DOWN = "large download";
const UP = "large upload";
const ADVICE = "Something on the way caps or cuts long bodies: see its limits of size and time";

/** Bytes sent at a time. */
const PIECE = 64 * 1024;

/** What is sent, over and over: no two places of it look alike for long. */
const PATTERN = Uint8Array.from({ length: PIECE }, (_, i) => (i * 31 + (i >> 8) * 17) & 0xff);

/** Downloads so many bytes and looks at each. */
export async function checkDownload(options: TransferOptions): Promise<Finding> {
  const { way, probes, size, patience = PATIENCE } = options;
  using probe = probes.open(() =>
    new Response(source(size), { headers: { "content-length": `${size}` } })
  );
  const since = performance.now();
  const received = new Comparison();
  try {
    using visitor = await Visitor.open(way, { patience });
    await visitor.ask({ target: probe.path });
    const { head } = await visitor.answer();
    if (head.status !== 200) return wrongStatus(DOWN, head.status, way.url);
    for (;;) {
      const piece = await visitor.read();
      if (piece === null) break;
      received.add(piece);
    }
  } catch (error) {
    if (received.length === 0) return failedVisit(DOWN, error, way.url, ADVICE);
  }
  return received.finding(DOWN, size, performance.now() - since);
}

/** Uploads so many bytes and looks at each where it arrives. */
export async function checkUpload(options: TransferOptions): Promise<Finding> {
  const { way, probes, size, patience = PATIENCE } = options;
  const received = new Comparison();
  using probe = probes.open(async ({ request }) => {
    for await (const piece of request.body ?? []) received.add(piece);
    return new Response("arrived");
  });
  const since = performance.now();
  try {
    using visitor = await Visitor.open(way, { patience });
    await visitor.ask({
      method: "POST",
      target: probe.path,
      fields: [["content-length", `${size}`], ["content-type", "application/octet-stream"]],
    });
    // One that refuses answers before all is sent, and then reads no more.
    const answer = visitor.slowAnswer("POST");
    answer.catch(() => {});
    const sending = send(visitor, size).then(() => null, (error: unknown) => error);
    const { head } = await Promise.race([answer, lastAnswer(sending, answer, patience)]);
    if (head.status !== 200) return wrongStatus(UP, head.status, way.url);
  } catch (error) {
    if (received.length === 0) return failedVisit(UP, error, way.url, ADVICE);
  }
  return received.finding(UP, size, performance.now() - since);
}

async function send(visitor: Visitor, size: number): Promise<void> {
  for (let sent = 0; sent < size; sent += PIECE) {
    const piece = PATTERN.subarray(0, Math.min(PIECE, size - sent));
    await visitor.send(piece);
  }
}

/** Waits for the answer once all is sent, or could not be: the answer may say why, and come all the same. */
async function lastAnswer<T>(
  sending: Promise<unknown>,
  answer: Promise<T>,
  patience: number,
): Promise<T> {
  const failure = await sending;
  return await withTimeout(LAST_BYTES * patience, answer, () => {
    throw failure ??
      new DialError({ kind: "late", step: "answer" }, "no answer came to the upload");
  });
}

/** Times the usual patience: what was collected on the way has to arrive yet. */
const LAST_BYTES = 3;

function source(size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = PATTERN.slice(0, Math.min(PIECE, size - sent));
      sent += piece.length;
      if (piece.length > 0) controller.enqueue(piece);
      if (sent === size) controller.close();
    },
  }, { highWaterMark: 0 });
}

/** Compares what comes with what was sent. */
class Comparison {
  length = 0;
  #firstWrong = -1;

  add(piece: Uint8Array): void {
    for (let i = 0; i < piece.length && this.#firstWrong === -1; i++) {
      const at = this.length + i;
      if (piece[i] !== PATTERN[at % PIECE]) this.#firstWrong = at;
    }
    this.length += piece.length;
  }

  finding(check: string, size: number, milliseconds: number): Finding {
    if (this.#firstWrong !== -1) {
      const text = `the bytes were changed from byte ${this.#firstWrong} on`;
      return wrong(check, text, "Something on the way changes bodies, or the network is broken");
    }
    if (this.length !== size) {
      const text = `ended after ${sizeText(this.length)} of ${sizeText(size)}`;
      return wrong(check, text, ADVICE);
    }
    return right(check, `${sizeText(size)}, ${speedText(size, milliseconds)}`);
  }
}
