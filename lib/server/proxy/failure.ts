import { ErrorCode, SessionError, StreamError } from "../../wire/errors.ts";
import type { Answer } from "../listen/visit.ts";
import {
  clientAway,
  type ErrorRequest,
  originFailed,
  originTooSlow,
  tooBusy,
} from "./error_page.ts";
import { MovedError } from "../tunnels/upstream.ts";

/** What is known of a request that failed before the head of its answer. */
export interface FailedRequest {
  readonly request: ErrorRequest;
  readonly hostname: string;
  /** Milliseconds that were waited for the head. */
  readonly headTimeout: number;
}

/** Says that all connections of a tunnel are full. */
export const TUNNEL_BUSY = {
  code: "busy",
  reason: "this tunnel has as many requests as it can carry",
} as const;

/** Tells a visitor what went wrong between this server and the origin (RFC 9110 section 15.6). */
export function failureAnswer(failed: FailedRequest, error: unknown): Answer {
  const { request, hostname } = failed;
  if (error instanceof SessionError) return clientAway(request, hostname);
  if (error instanceof MovedError) {
    const reason = "the tunnel has just moved to another connection";
    return tooBusy(request, { code: "moved", reason });
  }
  const code = error instanceof StreamError ? error.code : ErrorCode.Internal;
  switch (code) {
    case ErrorCode.Timeout:
      return originTooSlow(request, failed.headTimeout / 1000);
    // What ended the client's session on another node reaches this one as the end of a stream.
    case ErrorCode.GoingAway:
    case ErrorCode.Silent:
      return clientAway(request, hostname);
    case ErrorCode.Refused:
      return tooBusy(request, TUNNEL_BUSY);
    case ErrorCode.OriginUnreachable:
      return originFailed(request, "unreachable", "it cannot be reached; it may not be running");
    case ErrorCode.OriginMalformed:
    case ErrorCode.Protocol:
      return originFailed(request, "malformed", "its answer is not valid HTTP");
    case ErrorCode.OriginCut:
      return originFailed(request, "cut", "it closed the connection without an answer");
    default:
      return originFailed(request, "failed", "the exchange was ended");
  }
}
