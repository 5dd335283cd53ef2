import type { Log } from "../../cli/log.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { BoundedMap } from "../../net/bounded_map.ts";
import { waitAtMost, withTimeout } from "../../net/with_timeout.ts";
import { type Bus, BusError, type NodeRecord } from "../bus/bus.ts";
import { Seal } from "../bus/seal.ts";
import { ALL_NODES } from "./announcer.ts";
import { decodeNodeMessage, encodeNodeMessage, type NodeMessage } from "./node_message.ts";

/** What the key of the messages is for. */
const PURPOSE = "tunnel: questions between nodes";

/** Questions of this node that wait for answers: those of some operators, and of as many pages that are open. */
const MAX_ASKED = 100;

/** Questions of other nodes that wait here; with more, this node is one that does not answer. */
const MAX_WAITING = 100;

/** Nodes whose last question is remembered: four times as many as the bus names for one question. */
const MAX_ASKING = 256;

/** Milliseconds for the record of a node that does not answer, which tells its URL. */
const RECORD_TIMEOUT = 1_000;

export interface NodeQuestionsOptions {
  readonly bus: Bus;
  /** This node's id. */
  readonly node: string;
  /** What all nodes know that ask each other. */
  readonly secret: string;
  /** What the nodes serve. */
  readonly domain: string;
  /** Answers a question of another node. */
  readonly answer: (question: string) => string | Promise<string>;
  readonly log: Log;
}

/** What the other nodes have said. */
export interface NodeReplies {
  /** By the node's id. */
  readonly answers: ReadonlyMap<string, string>;
  /** Those that did not answer in time. */
  readonly silent: readonly NodeRecord[];
  /** Whether the bus could be asked which nodes there are. */
  readonly isBusUp: boolean;
}

interface Asked {
  readonly awaited: Set<string>;
  readonly answers: Map<string, string>;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Asks all other nodes something, over the bus, and answers what they ask.
 *
 * Who can write on the bus can neither read nor make what is said, and cannot have a node do a second time what another
 * one has asked for: each message is sealed for its sender, its receiver and its place in the sender's questions.
 */
export class NodeQuestions {
  readonly #options: NodeQuestionsOptions;
  readonly #seal: Promise<Seal>;
  /** Settles when this node receives, or will when the bus is there; never rejects. */
  readonly #receiving: Promise<void>;
  readonly #asked = new Map<number, Asked>();
  /** The last question of each node: its questions come in their order, so another that is not behind it is a copy. */
  readonly #heard = new BoundedMap<string, number>(MAX_ASKING);
  #sequence = 0;
  #waiting = 0;
  /** Each kind of work is done one by one, so that the order stays. */
  #sending: Promise<unknown> = Promise.resolve();
  #opening: Promise<unknown> = Promise.resolve();
  #answering: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Begins to answer. */
  constructor(options: NodeQuestionsOptions) {
    this.#options = options;
    this.#seal = Seal.make({ ...options, purpose: PURPOSE });
    const { bus, node, log } = options;
    // It receives once the bus is there, also when it is not there now.
    this.#receiving = bus.receive(inboxOf(node), (bytes) => this.#receive(bytes)).catch((error) => {
      log.debug("no questions of other nodes are received yet", { reason: messageOf(error) });
    });
  }

  /** Asks them, and waits so many milliseconds at most. Never rejects. */
  async ask(question: string, patience: number): Promise<NodeReplies> {
    try {
      if (this.#isClosed) throw new BusError("this node stops");
      // An answer that came before would be lost.
      await waitAtMost(patience, this.#receiving);
      const nodes = await this.#others(patience);
      const mayAsk = nodes.length > 0 && this.#asked.size < MAX_ASKED;
      const answers = mayAsk ? await this.#askAll(nodes, question, patience) : new Map();
      const silent = nodes.filter((node) => !answers.has(node)).map((node) => this.#recordOf(node));
      return { answers, silent: await Promise.all(silent), isBusUp: true };
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      return { answers: new Map(), silent: [], isBusUp: false };
    }
  }

  /** Asks and answers nothing more, and resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { done } of this.#asked.values()) done.resolve();
    await this.#seal;
    await Promise.all([this.#sending, this.#opening, this.#answering]);
  }

  /** @throws {BusError} */
  async #others(patience: number): Promise<readonly string[]> {
    const { bus, node } = this.#options;
    const nodes = await withTimeout(patience, bus.locate(ALL_NODES), () => {
      throw new BusError("the bus did not answer");
    });
    return nodes.filter((each) => each !== node);
  }

  async #recordOf(id: string): Promise<NodeRecord> {
    const unknown = { id, url: null };
    const found = this.#options.bus.findNode(id).catch(() => null);
    return await withTimeout(RECORD_TIMEOUT, found, () => null) ?? unknown;
  }

  async #askAll(
    nodes: readonly string[],
    question: string,
    patience: number,
  ): Promise<ReadonlyMap<string, string>> {
    const sequence = ++this.#sequence;
    const asked: Asked = {
      awaited: new Set(nodes),
      answers: new Map(),
      done: Promise.withResolvers(),
    };
    this.#asked.set(sequence, asked);
    this.#sending = this.#sending.then(async () => {
      const messages = await Promise.all(nodes.map(async (to) => {
        return {
          to,
          bytes: await this.#sealed({ kind: "question", sequence, to, text: question }),
        };
      }));
      for (const { to, bytes } of messages) {
        this.#send(to, bytes).then((isSent) => isSent || settle(asked, to));
      }
    });
    await waitAtMost(patience, asked.done.promise);
    this.#asked.delete(sequence);
    return asked.answers;
  }

  #receive(bytes: Uint8Array<ArrayBuffer>): void {
    const message = decodeNodeMessage(bytes);
    if (message === undefined || message.from === this.#options.node || this.#isClosed) return;
    if (message.kind === "answer") {
      const asked = this.#asked.get(message.sequence);
      if (!asked?.awaited.has(message.from)) return;
      this.#opening = this.#opening.then(() => this.#takeAnswer(asked, message));
    } else if (this.#waiting < MAX_WAITING) {
      this.#waiting++;
      this.#answering = this.#answering.then(() => this.#answer(message))
        .catch((error) => {
          const reason = messageOf(error);
          this.#options.log.error("a question of another node was not answered", { reason });
        })
        .finally(() => this.#waiting--);
    }
  }

  async #takeAnswer(asked: Asked, message: NodeMessage): Promise<void> {
    const text = await this.#opened(message);
    if (text === null || !asked.awaited.has(message.from)) return;
    asked.answers.set(message.from, text);
    settle(asked, message.from);
  }

  async #answer(message: NodeMessage): Promise<void> {
    const { from, sequence } = message;
    const question = await this.#opened(message);
    if (question === null || sequence <= (this.#heard.get(from) ?? 0) || this.#isClosed) return;
    this.#heard.set(from, sequence);
    const text = await this.#options.answer(question);
    await this.#send(from, await this.#sealed({ kind: "answer", sequence, to: from, text }));
  }

  async #sealed(
    { kind, sequence, to, text }: Pick<NodeMessage, "kind" | "sequence"> & {
      readonly to: string;
      readonly text: string;
    },
  ): Promise<Uint8Array> {
    const { node: from } = this.#options;
    const seal = await this.#seal;
    const sealed = await seal.close(text, contextOf({ kind, sequence, from }, to));
    return encodeNodeMessage({ kind, sequence, from, sealed });
  }

  async #opened(message: NodeMessage): Promise<string | null> {
    const seal = await this.#seal;
    return await seal.open(message.sealed, contextOf(message, this.#options.node));
  }

  /** Tells whether there is somebody who receives it. */
  async #send(to: string, bytes: Uint8Array): Promise<boolean> {
    try {
      return await this.#options.bus.send(inboxOf(to), bytes);
    } catch (error) {
      this.#options.log.debug("another node was told nothing", { reason: messageOf(error) });
      return false;
    }
  }
}

function settle({ awaited, done }: Asked, node: string): void {
  awaited.delete(node);
  if (awaited.size === 0) done.resolve();
}

/** Stands on the bus where a node would, beside it: what is sent there is for its operators. */
function inboxOf(node: string): string {
  return `${node}-questions`;
}

function contextOf(
  { kind, sequence, from }: Pick<NodeMessage, "kind" | "sequence" | "from">,
  to: string,
): string {
  return `${kind} ${sequence} from ${from} to ${to}`;
}
