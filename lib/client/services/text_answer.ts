import type { Field } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import { ErrorCode } from "../../wire/errors.ts";
import type { Incoming } from "./service.ts";

export interface TextAnswer {
  readonly status: number;
  /** What the visitor reads. */
  readonly sentence: string;
  /** Beside those of the text. @default none */
  readonly fields?: readonly Field[];
}

/** Answers an exchange with a sentence, in the place of a service; what is left of its request is not read. */
export async function textAnswer(
  incoming: Incoming,
  { method }: RequestHead,
  { status, sentence, fields = [] }: TextAnswer,
): Promise<void> {
  // A Reset may be right behind.
  await null;
  if (incoming.sendEnded) return;
  const body = new TextEncoder().encode(`${sentence}\n`);
  const length: Field = ["content-length", `${body.length}`];
  const isHead = method === "HEAD";
  incoming.respond({ status, fields: [...fields, ["content-type", "text/plain"], length] }, isHead);
  try {
    if (!isHead) await incoming.end(body);
    if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
  } catch {
    // The visitor has left.
  }
}
