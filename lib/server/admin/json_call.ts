import { messageOf } from "../../cli/safe_text.ts";
import { fieldValue } from "../../http/fields.ts";
import { withTimeout } from "../../net/with_timeout.ts";
import { DenyListError } from "../access/deny_list.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { StateError } from "../state_folder.ts";

/** Bytes of the JSON that a call brings: the longest token and some air. */
const MAX_JSON = 8 * 1024;

/** Milliseconds for which a call may take to come. */
const MAX_WAIT = 10_000;

/** Says why a call was not done, in a sentence, and with which status. */
export class CallError extends Error {
  override readonly name = "CallError";
  constructor(readonly status: 400 | 401 | 404 | 408 | 413 | 415 | 429, message: string) {
    super(message);
  }
}

/** The JSON object that a call brings. */
export type Call = Readonly<Record<string, unknown>>;

/** Does what a call asks for, in the name of the operator at an address, and returns what is answered. */
export type Act = (call: Call, by: string) => object | Promise<object>;

export interface CallOptions {
  /** Milliseconds for which the call may take to come. @default 10 seconds */
  readonly patience?: number;
}

/** Reads the call that a visit brings, and answers with what comes of it. */
export async function answered(
  visit: Visit,
  act: Act,
  { patience = MAX_WAIT }: CallOptions = {},
): Promise<Answer> {
  try {
    return json(200, await act(await readCall(visit, patience), visit.address));
  } catch (error) {
    if (error instanceof CallError) return json(error.status, { error: error.message });
    if (error instanceof DenyListError) return json(400, { error: error.message });
    if (error instanceof StateError) return json(500, { error: messageOf(error) });
    throw error;
  }
}

/** Answers with JSON that no cache keeps. */
export function json(status: number, value: object): Answer {
  return whole(status, `${JSON.stringify(value)}\n`, "application/json");
}

/** Reads a member that is a text; `otherwise` is what one that is missing means. @throws {CallError} */
export function textOf(call: Call, name: string, otherwise?: string): string {
  const value = call[name] ?? otherwise;
  if (typeof value === "string" && (value !== "" || otherwise === "")) return value;
  throw new CallError(400, `the member ${name} must be a text`);
}

/** No form of a page can send JSON under its own name. @throws {CallError} for anything but a short JSON object. */
async function readCall(visit: Visit, patience: number): Promise<Call> {
  const type = fieldValue(visit.fields, "content-type") ?? "";
  if (!/^application\/json *(?:;|$)/i.test(type)) {
    visit.dropBody();
    throw new CallError(415, "the call must be of the type application/json");
  }
  const text = await withTimeout(patience, readText(visit), () => {
    throw new CallError(408, "the call did not come in time");
  });
  const value = parseJSON(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CallError(400, "the call must be a JSON object");
  }
  return { ...value };
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CallError(400, "the call must be a JSON object");
  }
}

/** Reads a body up to the bound. @throws {CallError} for one that is longer. */
async function readText(visit: Visit): Promise<string> {
  const { framing } = visit;
  if (framing.kind === "refused") throw new CallError(400, framing.reason);
  if (framing.kind === "none" || !await visit.bodyBegins()) return "";
  const decoder = new TextDecoder();
  const reader = visit.readBody();
  let text = "";
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > MAX_JSON) {
      await reader.cancel();
      throw new CallError(413, `the call has more than ${MAX_JSON} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Answers with a text that no cache keeps. */
export function whole(status: number, text: string, type = "text/plain; charset=utf-8"): Answer {
  return {
    status,
    fields: [
      ["content-type", type],
      ["cache-control", "no-store"],
      ["x-content-type-options", "nosniff"],
    ],
    body: new TextEncoder().encode(text),
  };
}
