import type {
  ErrorAnswer,
  Exchange,
  ExchangePage,
  MessagePage,
  ReplayAnswer,
  ReplayRequest,
  SignatureCheck,
  SignatureRequest,
} from "../exchange.ts";

/** A call that the client refused, or did not answer; the message is a sentence for the reader. */
export class CallError extends Error {
  override readonly name = "CallError";

  constructor(readonly code: string, message: string) {
    super(message);
  }
}

/** What was kept of a body. */
export interface BodyBytes {
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Whether it is all of the body. */
  readonly isWhole: boolean;
}

/** Exchanges that are asked for: all that the client keeps. */
const MAX_EXCHANGES = 1000;

/** Messages that are asked for at once: all that the client keeps. */
const MAX_MESSAGES = 1000;

export async function readExchanges(signal: AbortSignal): Promise<ExchangePage> {
  return await answerOf(call(`/api/exchanges?limit=${MAX_EXCHANGES}`, { signal }));
}

export async function readExchange(id: number): Promise<Exchange> {
  return await answerOf(call(`/api/exchanges/${id}`));
}

/** Reads the messages behind an index; those that are kept where it is null. */
export async function readMessages(id: number, after: number | null): Promise<MessagePage> {
  const place = after === null ? "" : `&after=${after}`;
  return await answerOf(call(`/api/exchanges/${id}/messages?limit=${MAX_MESSAGES}${place}`));
}

/** Reads a body with its codings undone. */
export async function readDecoded(href: string): Promise<BodyBytes> {
  return await bytesOf(await call(`${href}?decoded=true`));
}

/** Reads a body as it passed. */
export async function readKept(href: string): Promise<BodyBytes> {
  return await bytesOf(await call(href));
}

export async function forgetExchanges(): Promise<void> {
  await change("/api/exchanges", "DELETE", {});
}

export async function replay(id: number, request: ReplayRequest): Promise<ReplayAnswer> {
  return await answerOf(change(`/api/exchanges/${id}/replay`, "POST", request));
}

export async function checkSignature(
  id: number,
  request: SignatureRequest,
): Promise<SignatureCheck> {
  return await answerOf(change(`/api/exchanges/${id}/signature`, "POST", request));
}

function change(
  path: string,
  method: string,
  body: ReplayRequest | SignatureRequest,
): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return call(path, { method, headers, body: JSON.stringify(body) });
}

/** @throws {CallError} for every answer that is not the wanted one. */
async function call(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new CallError("unreachable", "The client does not answer. Is it still running?");
  }
  if (response.ok) return response;
  throw await errorOf(response);
}

async function errorOf(response: Response): Promise<CallError> {
  try {
    const { error }: ErrorAnswer = await response.json();
    return new CallError(error.code, error.message);
  } catch {
    return new CallError("unknown", `The client answered ${response.status} and gave no reason.`);
  }
}

/** The client is of the same build as this page, which is why its answers are taken for what they are said to be. */
async function answerOf<Answer>(response: Promise<Response>): Promise<Answer> {
  return await (await response).json();
}

async function bytesOf(response: Response): Promise<BodyBytes> {
  return {
    octets: new Uint8Array(await response.arrayBuffer()),
    isWhole: response.headers.get("x-body-complete") !== "false",
  };
}

/** Returns what to tell of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
