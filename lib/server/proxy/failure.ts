import { ErrorCode, SessionError, StreamError } from "../../wire/errors.ts";
import type { Answer } from "../listen/visit.ts";
import {
  clientAway,
  type ErrorRequest,
  originFailed,
  type OriginFailure,
  originTooSlow,
  tooBusy,
} from "./error_page.ts";
import { escapeUnsafe, messageOf } from "../../cli/safe_text.ts";
import { HeadTimeout } from "../../mux/pending_head.ts";
import { MovedError } from "../tunnels/upstream.ts";

/** What is known of a request that failed before the head of its answer. */
export interface FailedRequest {
  readonly request: ErrorRequest;
  readonly hostname: string;
}

/** Says that all connections of a tunnel are full. */
export const TUNNEL_BUSY = {
  code: "busy",
  reason: "this tunnel has as many requests as it can carry",
} as const;

/** Tells a visitor what went wrong between this server and the origin (RFC 9110 section 15.6). */
export function failureAnswer(
  { request, hostname }: FailedRequest,
  error: unknown,
): Answer {
  if (error instanceof SessionError) return clientAway(request, hostname, { isAwaited: true });
  if (error instanceof MovedError) {
    const reason = "the tunnel has just moved to another connection";
    return tooBusy(request, { code: "moved", reason });
  }
  const code = error instanceof StreamError ? error.code : ErrorCode.Internal;
  switch (code) {
    case ErrorCode.Timeout:
      return originTooSlow(request, error instanceof HeadTimeout ? error.timeout : null);
    // What ended the client's session on another node reaches this one as the end of a stream.
    case ErrorCode.GoingAway:
    case ErrorCode.Silent:
      return clientAway(request, hostname, { isAwaited: true });
    case ErrorCode.Refused:
      return tooBusy(request, TUNNEL_BUSY);
    case ErrorCode.OriginUnreachable:
      return originFailed(request, UNREACHABLE);
    case ErrorCode.OriginMalformed:
      return originFailed(request, malformed(`its answer is not valid HTTP: ${ruleOf(error)}`));
    case ErrorCode.Protocol:
      return originFailed(request, malformed("its client passed on what is not valid HTTP"));
    case ErrorCode.OriginCut:
      return originFailed(request, CUT);
    case ErrorCode.Internal:
      return originFailed(request, failed("its client failed; the client's terminal says why"));
    default:
      return originFailed(request, failed("the exchange was ended"));
  }
}

const UNREACHABLE: OriginFailure = {
  code: "unreachable",
  title: "The service behind this address is not running",
  text: "This address works, but there is nothing behind it at the moment.",
  owner:
    "If it is yours: nothing takes connections where the client was told that the service is. " +
    "The client's terminal says more.",
};

const CUT: OriginFailure = {
  code: "cut",
  title: "The service behind this address broke off",
  text: "This address works, but the service behind it gave no whole answer.",
  owner:
    "If it is yours: the service closed the connection without an answer. Its own log may say " +
    "why.",
};

function malformed(what: string): OriginFailure {
  return {
    code: "malformed",
    title: "The service behind this address gave an answer that nobody can read",
    text: "This address works, but what the service behind it answered cannot be passed on.",
    owner: `If it is yours: ${what}.`,
  };
}

function failed(what: string): OriginFailure {
  return {
    code: "failed",
    title: "The service behind this address did not answer",
    text: "This address works, but the service behind it could not be asked.",
    owner: `If it is yours: ${what}.`,
  };
}

/** Characters of a client's words that a page shows: a rule and what was seen of an answer. */
const MAX_RULE = 300;

/** Says which rule an origin broke, in its client's words. */
function ruleOf(error: unknown): string {
  const words = messageOf(error);
  return escapeUnsafe(words.length > MAX_RULE ? `${words.slice(0, MAX_RULE)}…` : words);
}
