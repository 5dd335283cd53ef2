import { parseContentLengths } from "../../http/content_length.ts";
import { type Field, fieldValue } from "../../http/fields.ts";
import type { RequestFraming } from "./visit.ts";

const NO_BODY: RequestFraming = { kind: "none" };
const UNANNOUNCED: RequestFraming = { kind: "unannounced" };

/**
 * Reads a request's framing from its fields (RFC 9112 section 6). `Deno.serve` has checked them and leaves three things
 * to do: equal Content-Lengths arrive joined, `gzip, chunked` is let through, and a GET whose body was dropped still
 * has its Content-Length.
 */
export function requestFraming(
  request: Pick<Request, "method" | "body">,
  fields: readonly Field[],
): RequestFraming {
  const coding = fieldValue(fields, "transfer-encoding");
  const announced = fieldValue(fields, "content-length");
  if (coding === undefined && announced === undefined) return unannounced(request, fields);
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    return refusedFraming(
      501,
      "the only transfer coding that is carried is chunked (RFC 9112 section 6.1)",
    );
  }
  if (coding !== undefined && announced !== undefined) {
    return refusedFraming(
      400,
      "a request has either Content-Length or Transfer-Encoding (RFC 9112 section 6.1)",
    );
  }
  const length = announced === undefined ? null : parseContentLengths(announced);
  if (length === undefined) {
    return refusedFraming(400, "Content-Length is not one number of bytes");
  }
  if (length === 0) return NO_BODY;
  if (isBodiless(request.method)) {
    // Deno drops such a body without a word; an origin must not get half a request.
    return {
      kind: "refused",
      code: "get-body",
      status: 400,
      reason:
        `a ${request.method} request with a body cannot be carried (RFC 9110 section 9.3.1); ` +
        "POST can have one",
    };
  }
  return request.body === null ? NO_BODY : { kind: "body", length };
}

/** Makes one text of a Content-Length that came several times and that Deno has made a list of, where all are equal. */
export function oneLength(text: string): string {
  return text.includes(",") ? String(parseContentLengths(text) ?? text) : text;
}

/**
 * Finds out what may follow a head that announces nothing. HTTP/2 frames a body by itself (RFC 9113 section 8.1), and
 * Deno does not tell the version; Connection shows that it is HTTP/1.1 (section 8.2.2), where there is none.
 */
function unannounced(
  request: Pick<Request, "method" | "body">,
  fields: readonly Field[],
): RequestFraming {
  if (fieldValue(fields, "connection") !== undefined) return NO_BODY;
  // To ask for a body takes a while, so only those are asked that may have one.
  return isBodiless(request.method) || request.body === null ? NO_BODY : UNANNOUNCED;
}

function isBodiless(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

function refusedFraming(status: 400 | 501, reason: string): RequestFraming {
  return { kind: "refused", code: "request", status, reason };
}
