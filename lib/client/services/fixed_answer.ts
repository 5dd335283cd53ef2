import { STATUS_TEXT } from "@std/http/status";
import type { Field } from "../../http/fields.ts";
import type { RequestHead, ResponseHead } from "../../http/head.ts";
import { percentEncoded } from "../../http/octets.ts";
import { ErrorCode } from "../../wire/errors.ts";
import type { Incoming, Service } from "./service.ts";
import { VisitTemplate } from "./visit_template.ts";

/** Answers every visitor alike, without asking anybody. */
export class FixedAnswer implements Service {
  readonly #headOf: (head: RequestHead) => ResponseHead;
  readonly #body: Uint8Array;

  private constructor(status: number, fieldsOf: (head: RequestHead) => readonly Field[]) {
    const text = BODILESS.has(status) ? "" : `${status} ${STATUS_TEXT[status] ?? ""}`.trim() + "\n";
    this.#body = new TextEncoder().encode(text);
    const framing: readonly Field[] = text === ""
      ? []
      : [["content-type", "text/plain"], ["content-length", `${this.#body.length}`]];
    this.#headOf = (head) => ({ status, fields: [...fieldsOf(head), ...framing] });
  }

  /** Answers with a status, 200 to 599. */
  static status(status: number): FixedAnswer {
    return new FixedAnswer(status, () => []);
  }

  /** Sends visitors to a URL, which may have the places of a template; the method stays the same there. */
  static redirect(to: string): FixedAnswer {
    const template = new VisitTemplate(to);
    return new FixedAnswer(307, (head) => [["location", percentEncoded(template.fill(head))]]);
  }

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    // A Reset may be right behind.
    await null;
    if (incoming.sendEnded) return;
    const hasBody = this.#body.length > 0 && head.method !== "HEAD";
    incoming.respond(this.#headOf(head), !hasBody);
    try {
      if (hasBody) await incoming.end(this.#body);
      if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
    } catch {
      // The visitor has left.
    }
  }

  /** Does nothing: nothing is kept. */
  close(): void {}
}

/** Statuses whose answers have no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);
