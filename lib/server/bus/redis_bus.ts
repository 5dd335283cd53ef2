import { Buffer } from "node:buffer";
import { parseJSONObject } from "../../wire/json.ts";
import type { Bus, MessageHandler, NameAnswer, NameClaim, NodeRecord } from "./bus.ts";
import {
  checkBusText,
  checkBusWord,
  checkLifetime,
  checkMessage,
  checkNodeId,
  checkNodeRecord,
  checkTicketValue,
  isBusWord,
  isNodeId,
  isNodeUrl,
  MAX_BUS_TEXT,
  MAX_BUS_WORD,
  MAX_NODE_ID,
  MAX_NODE_URL,
  MAX_TICKET_VALUE,
} from "./bus_limits.ts";
import { parseRedisUrl } from "./redis_address.ts";
import type { RedisWord } from "./redis_connection.ts";
import {
  ANNOUNCE,
  CLAIM,
  LOCATE,
  LOCK,
  PROBE,
  READ,
  RedisLayout,
  TAKE,
  UNLOCK,
  WITHDRAW,
} from "./redis_layout.ts";
import { RedisLink } from "./redis_link.ts";

export interface RedisBusOptions {
  /** What the nodes serve: they share nothing with those of other domains. */
  readonly domain: string;
}

/**
 * The bus of several nodes, in a Redis server (6.0 or later, or one that speaks its protocol; not a Redis Cluster).
 *
 * Redis drops a receiver that is too far behind (`client-output-buffer-limit pubsub`: 32 MB, or 8 MB for a minute), which
 * is an outage here, and messages are lost: a sender has to know how much was consumed.
 *
 * What is read is checked first, for others may have written it; what does not have this layout counts as missing.
 */
export class RedisBus implements Bus {
  readonly #link: RedisLink;
  readonly #layout: RedisLayout;

  private constructor(link: RedisLink, layout: RedisLayout) {
    this.#link = link;
    this.#layout = layout;
  }

  /**
   * Makes a bus and waits for the first attempt to connect, some seconds at most. When that fails, the bus is away, and
   * more attempts follow.
   *
   * @throws {RangeError} when the URL is not one of Redis.
   */
  static async connect(url: string, { domain }: RedisBusOptions): Promise<RedisBus> {
    const layout = new RedisLayout(domain);
    const link = new RedisLink(
      parseRedisUrl(url),
      script(PROBE, [layout.probe, layout.memory], []),
    );
    await link.firstAttempt;
    return new RedisBus(link, layout);
  }

  get isUp(): boolean {
    return this.#link.isUp;
  }

  get outage(): string | null {
    return this.#link.outage;
  }

  onChange(listener: (isUp: boolean) => void): void {
    this.#link.onChange(listener);
  }

  async keepNode(node: NodeRecord, lifetime: number): Promise<void> {
    checkNodeRecord(node);
    checkLifetime(lifetime);
    const { id, url } = node;
    await this.#set(this.#layout.node(id), JSON.stringify({ id, url }), lifetime);
  }

  async dropNode(id: string): Promise<void> {
    await this.#link.ask(["DEL", this.#layout.node(id)]);
  }

  async findNode(id: string): Promise<NodeRecord | null> {
    const key = this.#layout.node(id);
    const answer = await this.#link.ask(["GETRANGE", key, "0", `${MAX_NODE_RECORD}`]);
    return answer instanceof Uint8Array ? parseNode(answer, id) : null;
  }

  async announce(node: string, hostnames: readonly string[], lifetime: number): Promise<void> {
    checkNodeId(node);
    checkLifetime(lifetime);
    hostnames.forEach(checkBusWord);
    await this.#forEach(ANNOUNCE, hostnames, [node, `${lifetime}`]);
  }

  async withdraw(node: string, hostnames: readonly string[]): Promise<void> {
    await this.#forEach(WITHDRAW, hostnames, [node]);
  }

  async locate(hostname: string): Promise<readonly string[]> {
    const keys = [this.#layout.at(hostname)];
    const answer = await this.#link.ask(script(LOCATE, keys, [`${MAX_NODE_ID}`]));
    return Array.isArray(answer) ? answer.map(textOf).filter(isNodeId) : [];
  }

  async send(node: string, message: Uint8Array): Promise<boolean> {
    checkMessage(message);
    // A copy: the client writes it in the next turn of the event loop, and may have to wait for the socket.
    const words = ["PUBLISH", this.#layout.to(node), Buffer.from(message)];
    const receivers = await this.#link.ask(words);
    return typeof receivers === "number" && receivers > 0;
  }

  async receive(node: string, handle: MessageHandler): Promise<void> {
    checkNodeId(node);
    await this.#link.receive(this.#layout.to(node), handle);
  }

  async putTicket(ticket: string, value: string, lifetime: number): Promise<void> {
    checkBusWord(ticket);
    checkLifetime(lifetime);
    const bytes = Buffer.from(value);
    checkTicketValue(bytes);
    await this.#set(this.#layout.ticket(ticket), bytes, lifetime);
  }

  async takeTicket(ticket: string): Promise<string | null> {
    // A stranger may have sent it.
    if (!isBusWord(ticket)) return null;
    const keys = [this.#layout.ticket(ticket)];
    const answer = await this.#link.ask(script(TAKE, keys, [`${MAX_TICKET_VALUE}`]));
    return answer instanceof Uint8Array ? parseText(answer) : null;
  }

  async claimName(claim: NameClaim): Promise<NameAnswer> {
    const { name, owner, lifetime, isHeld, settling } = claim;
    checkBusWord(name);
    checkBusWord(owner);
    checkLifetime(lifetime);
    const keys = [this.#layout.name(name), this.#layout.memory];
    // Those that hold it need not wait.
    const wait = isHeld ? 0 : settling;
    const args = [owner, `${lifetime}`, `${MAX_BUS_WORD}`, `${wait}`];
    const answer = await this.#link.ask(script(CLAIM, keys, args));
    const [current, memory] = Array.isArray(answer) ? answer : [];
    return { owner: textOf(current) || null, memory: textOf(memory) };
  }

  async keepText(name: string, text: string, lifetime: number): Promise<void> {
    checkBusWord(name);
    checkLifetime(lifetime);
    const bytes = Buffer.from(text);
    checkBusText(bytes);
    await this.#set(this.#layout.text(name), bytes, lifetime);
  }

  async findText(name: string): Promise<string | null> {
    const key = this.#layout.text(name);
    const answer = await this.#link.ask(script(READ, [key], [`${MAX_BUS_TEXT}`]));
    return answer instanceof Uint8Array ? parseText(answer) : null;
  }

  async lock(name: string, holder: string, lifetime: number): Promise<boolean> {
    checkBusWord(name);
    checkBusWord(holder);
    checkLifetime(lifetime);
    const keys = [this.#layout.lock(name)];
    return await this.#link.ask(script(LOCK, keys, [holder, `${lifetime}`])) === 1;
  }

  async unlock(name: string, holder: string): Promise<void> {
    await this.#link.ask(script(UNLOCK, [this.#layout.lock(name)], [holder]));
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async #set(key: string, value: RedisWord, lifetime: number): Promise<void> {
    await this.#link.ask(["SET", key, value, "PX", `${lifetime}`]);
  }

  /** Runs a script for many hostnames, some of them at a time: Redis does nothing else meanwhile. */
  async #forEach(
    text: string,
    hostnames: readonly string[],
    args: readonly string[],
  ): Promise<void> {
    for (let start = 0; start < hostnames.length; start += HOSTNAMES_AT_ONCE) {
      const some = hostnames.slice(start, start + HOSTNAMES_AT_ONCE);
      await this.#link.ask(script(text, some.map((name) => this.#layout.at(name)), args));
    }
  }
}

/** Hostnames of one script: some milliseconds of Redis' time. */
const HOSTNAMES_AT_ONCE = 250;

/** Bytes of a node's record: its id and its URL, with room for what later versions add. */
const MAX_NODE_RECORD = MAX_NODE_ID + MAX_NODE_URL + 1024;

/**
 * Writes the command for a script; its whole text each time, which costs Redis a microsecond, so that one that was
 * started anew needs no preparation.
 */
function script(text: string, keys: readonly string[], args: readonly string[]): RedisWord[] {
  return ["EVAL", text, `${keys.length}`, ...keys, ...args];
}

function parseNode(bytes: Uint8Array, wanted: string): NodeRecord | null {
  const { id, url } = parseJSONObject(bytes) ?? {};
  if (id !== wanted || !isNodeId(wanted)) return null;
  if (url === null) return { id: wanted, url };
  return typeof url === "string" && isNodeUrl(url) ? { id: wanted, url } : null;
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseText(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

function textOf(answer: unknown): string {
  return answer instanceof Uint8Array ? parseText(answer) ?? "" : "";
}
