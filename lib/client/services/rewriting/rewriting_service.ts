import type { Field } from "../../../http/fields.ts";
import type { RequestHead, ResponseHead } from "../../../http/head.ts";
import { ErrorCode } from "../../../wire/errors.ts";
import { FrameType } from "../../../wire/frame.ts";
import { PassingIncoming } from "../passing_incoming.ts";
import type { Incoming, Service } from "../service.ts";
import { type CrossOrigin, preflightAnswer, sharedFields } from "./cross_origin.ts";
import {
  changedFields,
  type FieldRules,
  type FieldSetting,
  untouchedFields,
} from "./field_rule.ts";

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
    const rewriting = new RewritingIncoming(incoming, { request, response, change });
    await this.#inner.serve(rewriting, changed);
  }

  close(): void {
    this.#inner.close();
  }
}

/** What changes in one exchange. */
interface Changes {
  readonly request: FieldRules;
  readonly response: FieldRules;
  readonly change: (head: ResponseHead) => ResponseHead;
}

/** The service's end of an exchange, which changes the head of the answer, and takes fields out of what else passes. */
class RewritingIncoming extends PassingIncoming {
  readonly #changes: Changes;

  constructor(incoming: Incoming, changes: Changes) {
    super(incoming);
    this.#changes = changes;
  }

  override get trailers(): readonly Field[] | null {
    const trailers = super.trailers;
    return trailers === null ? null : untouchedFields(trailers, this.#changes.request);
  }

  override sendInterim({ status, fields }: ResponseHead): void {
    super.sendInterim({ status, fields: untouchedFields(fields, this.#changes.response) });
  }

  override respond(head: ResponseHead, end: boolean): void {
    super.respond(this.#changes.change(head), end);
  }

  override sendTrailers(fields: readonly Field[]): void {
    super.sendTrailers(untouchedFields(fields, this.#changes.response));
  }
}
