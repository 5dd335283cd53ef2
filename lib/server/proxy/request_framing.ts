import type { FieldList } from "./field_list.ts";

/** How much body a public request brings, or why it cannot be carried. */
export type RequestFraming =
  | { readonly kind: "none" }
  /** `length` in bytes as announced, null when the end is seen only when it comes. */
  | { readonly kind: "body"; readonly length: number | null }
  | { readonly kind: "refused"; readonly status: 400 | 413 | 501; readonly reason: string };

/**
 * Reads a request's framing from its fields (RFC 9112 section 6); a body may have `most` bytes, null for any number.
 *
 * `Deno.serve` has checked them and leaves three things to do: equal Content-Lengths arrive joined, `gzip, chunked`
 * is let through, and a GET whose body was dropped still has its Content-Length.
 */
export function requestFraming(
  request: Request,
  fields: FieldList,
  most: number | null = null,
): RequestFraming {
  const coding = fields.get("transfer-encoding");
  const announced = fields.get("content-length");
  if (coding !== null && coding.trim().toLowerCase() !== "chunked") {
    return {
      kind: "refused",
      status: 501,
      reason: "the only transfer coding that is carried is chunked (RFC 9112 section 6.1)",
    };
  }
  if (coding !== null && announced !== null) {
    return {
      kind: "refused",
      status: 400,
      reason: "a request has either Content-Length or Transfer-Encoding (RFC 9112 section 6.1)",
    };
  }
  const length = announced === null ? null : lengthOf(announced);
  if (length === undefined) {
    return { kind: "refused", status: 400, reason: "Content-Length is not one number of bytes" };
  }
  if (length === 0 || (coding === null && length === null && !isUnframed(request, fields))) {
    return { kind: "none" };
  }
  if (request.method === "GET" || request.method === "HEAD") {
    // Deno drops such a body without a word; an origin must not get half a request.
    return {
      kind: "refused",
      status: 400,
      reason: `a ${request.method} request with a body cannot be carried (RFC 9110 section 9.3.1)`,
    };
  }
  if (request.body === null) return { kind: "none" };
  if (most !== null && length !== null && length > most) {
    return { kind: "refused", status: 413, reason: tooLong(most) };
  }
  return { kind: "body", length };
}

/** Says how long a body may be (RFC 9110 section 15.5.14). */
export function tooLong(most: number): string {
  return `the body of a request has at most ${most} bytes here`;
}

/** Whether a body may come that no field announces: HTTP/2, which has no Host, frames it by itself (RFC 9113 section 8.1). */
function isUnframed(request: Request, fields: FieldList): boolean {
  return !fields.has("host") && request.body !== null;
}

/** Reads a Content-Length, or several that Deno has joined and that all agree (RFC 9110 section 8.6). */
function lengthOf(text: string): number | undefined {
  const [first = "", ...others] = text.split(",").map((part) => part.trim());
  if (!/^[0-9]{1,15}$/.test(first) || others.some((other) => other !== first)) return undefined;
  return Number(first);
}
