import type { RequestHead, ResponseHead } from "../../../http/head.ts";
import { ErrorCode } from "../../../wire/errors.ts";
import { FrameType } from "../../../wire/frame.ts";
import { PassingIncoming } from "../passing_incoming.ts";
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
    const change = ({ status, reasonPhrase, fields }: ResponseHead): ResponseHead => {
      const own = cors === null || !isHTTP ? fields : sharedFields(fields, head, cors);
      return { status, reasonPhrase, fields: changedFields(own, response, head) };
    };
    await this.#inner.serve(new RewritingIncoming(incoming, change), changed);
  }

  close(): void {
    this.#inner.close();
  }
}

/** The service's end of an exchange, which changes the head of the answer. */
class RewritingIncoming extends PassingIncoming {
  readonly #change: (head: ResponseHead) => ResponseHead;

  constructor(incoming: Incoming, change: (head: ResponseHead) => ResponseHead) {
    super(incoming);
    this.#change = change;
  }

  override respond(head: ResponseHead, end: boolean): void {
    super.respond(this.#change(head), end);
  }
}
