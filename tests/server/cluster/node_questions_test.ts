import { assertEquals } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { ALL_NODES } from "../../../lib/server/cluster/announcer.ts";
import { NodeQuestions } from "../../../lib/server/cluster/node_questions.ts";

const LOG = new Log({ format: "text", level: "error", write() {} });
const LONG = 30_000;
const SHORT = 200;

Deno.test("NodeQuestions asks every other node, and names those that do not answer", async () => {
  const memory = new BusMemory();
  await using one = await Node.join("one", { memory });
  await using two = await Node.join("two", { memory });
  await using three = await Node.join("three", { memory });
  const { answers, silent, isBusUp } = await one.questions.ask("how many?", LONG);
  assertEquals([...answers].sort(), [["three", "three: how many?"], ["two", "two: how many?"]]);
  assertEquals([silent, isBusUp], [[], true]);
  assertEquals([one.asked, two.asked, three.asked], [[], ["how many?"], ["how many?"]]);

  // One that is gone without a word, and one that never answers.
  await two.bus.close();
  three.isStuck = true;
  const later = await one.questions.ask("and now?", SHORT);
  assertEquals([[...later.answers], later.silent.map(({ id }) => id).sort()], [[], [
    "three",
    "two",
  ]]);
  await one.bus.close();
  assertEquals(await one.questions.ask("and now?", LONG), {
    ...{ answers: new Map(), silent: [], isBusUp: false },
  });
});

Deno.test("NodeQuestions answers nobody who does not know the secret, and no question twice", async () => {
  const memory = new BusMemory();
  const sent: { readonly to: string; readonly bytes: Uint8Array<ArrayBuffer> }[] = [];
  const bus = new class extends MemoryBus {
    override async send(to: string, bytes: Uint8Array): Promise<boolean> {
      sent.push({ to, bytes: bytes.slice() });
      return await super.send(to, bytes);
    }
  }(memory);
  await using one = await Node.join("one", { memory, bus });
  await using two = await Node.join("two", { memory });
  assertEquals([...(await one.questions.ask("go", LONG)).answers.keys()], ["two"]);
  const [recorded] = sent.filter(({ to }) => to.startsWith("two"));
  const text = new TextDecoder("latin1").decode(recorded?.bytes);
  assertEquals([text.includes("one"), text.includes("go")], [true, false]);

  // The same again; from another node, at another place, or with any octet changed; and cut short.
  const original = recorded?.bytes ?? new Uint8Array();
  const copies = [
    ...[original, original.subarray(0, 5), original.subarray(0, -1), new Uint8Array()],
    ...Array.from(original, (_, at) => changed(original, at)),
  ];
  for (const [i, bytes] of copies.entries()) {
    await bus.send("two-questions", bytes);
    // Another question comes in its turn, behind those that were sent before.
    if (i % 20 === 19) await one.questions.ask("next", LONG);
  }
  await one.questions.ask("next", LONG);
  assertEquals(two.asked.filter((question) => question !== "next"), ["go"]);

  await using stranger = await Node.join("other", { memory, secret: "another secret of theirs" });
  const { silent } = await one.questions.ask("go", SHORT);
  assertEquals(silent.map(({ id }) => id).includes("other"), true);
  await bus.send("other-questions", original);
  assertEquals(stranger.asked, []);
});

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

interface NodeOptions {
  readonly memory: BusMemory;
  readonly bus?: MemoryBus;
  readonly secret?: string;
}

/** A node as far as questions go. */
class Node implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly questions: NodeQuestions;
  readonly bus: MemoryBus;
  readonly #stuck = Promise.withResolvers<string>();
  isStuck = false;

  private constructor(id: string, bus: MemoryBus, secret: string) {
    this.bus = bus;
    this.questions = new NodeQuestions({
      ...{ bus, node: id, secret, domain: "tunnel.example", log: LOG },
      answer: (question) => {
        this.asked.push(question);
        return this.isStuck ? this.#stuck.promise : `${id}: ${question}`;
      },
    });
  }

  static async join(
    id: string,
    { memory, bus = new MemoryBus(memory), secret = "the operator's own secret" }: NodeOptions,
  ): Promise<Node> {
    await bus.announce(id, [ALL_NODES], LONG);
    return new Node(id, bus, secret);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stuck.resolve("too late");
    await this.questions.close();
    await this.bus.close();
  }
}
