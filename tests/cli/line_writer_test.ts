import { assertEquals } from "@std/assert";
import { LineWriter } from "../../lib/cli/line_writer.ts";

/** Bytes that a writer lets wait. */
const MAX_WAITING = 1024 * 1024;

/** Takes what is written once it is let go, at most so many bytes at a time. */
class SlowTarget {
  text = "";
  readonly #most: number;
  readonly #open = Promise.withResolvers<void>();

  constructor(most = Infinity) {
    this.#most = most;
  }

  letGo(): void {
    this.#open.resolve();
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#open.promise;
    const taken = bytes.subarray(0, this.#most);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }
}

const tellLost = (count: number) => `${count} lost`;

Deno.test("LineWriter writes lines in order, however little is taken at a time", async () => {
  const target = new SlowTarget(3);
  const writer = new LineWriter(target, tellLost);
  for (const line of ["one", "two", "three"]) writer.write(line);
  target.letGo();
  await writer.flush();
  writer.write("four");
  await writer.flush();
  assertEquals(target.text, "one\ntwo\nthree\nfour\n");
});

Deno.test("LineWriter loses what does not fit while nothing is taken, and says how much", async () => {
  const target = new SlowTarget();
  const writer = new LineWriter(target, tellLost);
  const line = "x".repeat(1023);
  const fitting = MAX_WAITING / 1024;
  for (let i = 0; i < fitting + 5; i++) writer.write(line);
  target.letGo();
  await writer.flush();
  const lines = target.text.split("\n");
  assertEquals(lines.filter((each) => each === line).length, fitting);
  assertEquals(lines.slice(-2), ["5 lost", ""]);
  writer.write("after");
  await writer.flush();
  assertEquals(target.text.split("\n").at(-2), "after");
});

Deno.test("LineWriter goes on after a write that failed", async () => {
  let isFull = true;
  let text = "";
  const write = (bytes: Uint8Array) => {
    if (isFull) return Promise.reject(new Error("no space left on device"));
    text += new TextDecoder().decode(bytes);
    return Promise.resolve(bytes.length);
  };
  const writer = new LineWriter({ write }, tellLost);
  writer.write("lost");
  await writer.flush();
  isFull = false;
  writer.write("written");
  await writer.flush();
  assertEquals(text, "written\n");
});

Deno.test("LineWriter.flush waits a second at the most", async () => {
  const target = new SlowTarget();
  const writer = new LineWriter(target, tellLost);
  writer.write("never");
  await writer.flush();
  assertEquals(target.text, "");
  target.letGo();
  await writer.flush();
});
