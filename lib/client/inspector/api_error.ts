import type { ErrorAnswer } from "./exchange.ts";

/** The codes of the interface's errors, with their statuses. */
const STATUSES = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported: 415,
  too_many: 429,
  busy: 503,
} as const;

/** Why a call of the interface is not done, in a sentence for the caller. */
export class APIError extends Error {
  override readonly name = "APIError";
  constructor(
    readonly code: keyof typeof STATUSES,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  get answer(): Response {
    const { code, message, headers } = this;
    const answer: ErrorAnswer = { error: { code, message } };
    return Response.json(answer, { status: STATUSES[code], headers });
  }
}
