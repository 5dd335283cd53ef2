import type { RequestHead, ResponseHead } from "../../../http/head.ts";
import type { Chunk } from "../../../mux/receive_queue.ts";
import { ErrorCode } from "../../../wire/errors.ts";
import { FrameType } from "../../../wire/frame.ts";
import type { Incoming, Service } from "../service.ts";
import { type CrossOrigin, preflightAnswer, sharedFields } from "./cross_origin.ts";
import { changedFields, type FieldRules, type FieldSetting } from "./field_rule.ts";

/** What an owner changes of what passes. */
export interface Rewriting {
  readonly setRequestHeader: readonly FieldSetting[];
  readonly removeRequestHeader: readonly string[];
  readonly setResponseHeader: readonly FieldSetting[];
  readonly removeResponseHeader: readonly string[];
  /** Whose pages may read the answers; null leaves it to the service. */
  readonly cors: CrossOrigin | null;
}

/** Puts what the owner changes in front of a service; where nothing is, that is the service itself. */
export function rewriting(service: Service, options: Rewriting): Service {
  const request = { set: options.setRequestHeader, remove: options.removeRequestHeader };
  const response = { set: options.setResponseHeader, remove: options.removeResponseHeader };
  const hasRules = [request, response].some(({ set, remove }) => set.length + remove.length > 0);
  if (!hasRules && options.cors === null) return service;
  return new RewritingService(service, { request, response, cors: options.cors });
}

interface Rules {
  readonly request: FieldRules;
  readonly response: FieldRules;
  readonly cors: CrossOrigin | null;
}

/** Changes the heads that go to another service, and those that come from it. */
class RewritingService implements Service {
  readonly #inner: Service;
  readonly #rules: Rules;

  constructor(inner: Service, rules: Rules) {
    this.#inner = inner;
    this.#rules = rules;
  }

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const { request, response, cors } = this.#rules;
    const isHTTP = incoming.type !== FrameType.WSRequest;
    const answer = cors === null || !isHTTP ? null : preflightAnswer(head, cors);
    if (answer !== null) {
      // A Reset may be right behind.
      await null;
      if (incoming.sendEnded) return;
      incoming.respond(answer, true);
      if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
      return;
    }
    const changed = {
      method: head.method,
      target: head.target,
      fields: changedFields(head.fields, request, head),
    };
    const change = ({ status, fields }: ResponseHead): ResponseHead => {
      const own = cors === null || !isHTTP ? fields : sharedFields(fields, head, cors);
      return { status, fields: changedFields(own, response, head) };
    };
    await this.#inner.serve(new RewritingIncoming(incoming, change), changed);
  }

  close(): void {
    this.#inner.close();
  }
}

/** The service's end of an exchange, which changes the head of the answer. */
class RewritingIncoming implements Incoming {
  readonly type: number;
  readonly #incoming: Incoming;
  readonly #change: (head: ResponseHead) => ResponseHead;

  constructor(incoming: Incoming, change: (head: ResponseHead) => ResponseHead) {
    this.type = incoming.type;
    this.#incoming = incoming;
    this.#change = change;
  }

  get receiveEnded(): boolean {
    return this.#incoming.receiveEnded;
  }

  get sendEnded(): boolean {
    return this.#incoming.sendEnded;
  }

  get onAbort(): Incoming["onAbort"] {
    return this.#incoming.onAbort;
  }

  set onAbort(listener: Incoming["onAbort"]) {
    this.#incoming.onAbort = listener;
  }

  respond(head: ResponseHead, end: boolean): void {
    this.#incoming.respond(this.#change(head), end);
  }

  read(): Chunk | null | Promise<Chunk | null> {
    return this.#incoming.read();
  }

  readNow(): Chunk | undefined {
    return this.#incoming.readNow();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    return this.#incoming.write(bytes);
  }

  end(bytes?: Uint8Array): void | Promise<void> {
    return this.#incoming.end(bytes);
  }

  writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    return this.#incoming.writeMessage(bytes, text);
  }

  teardown(payload: Uint8Array): void {
    this.#incoming.teardown(payload);
  }

  reset(code: number, reason?: string): void {
    this.#incoming.reset(code, reason);
  }
}
