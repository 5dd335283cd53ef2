import { fieldValue } from "../../http/fields.ts";
import { APIError } from "./api_error.ts";
import { CodingError, type DecodedBody, undoCodings } from "./content_coding.ts";
import { PREVIEWED_IMAGES } from "./exchange.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import { mediaTypeOf } from "./exchange_view.ts";

/** Which of an exchange's two bodies. */
export type Side = "request" | "response";

/** Answers with what was kept of a body, to be saved; a browser takes it for nothing that it could show. */
export async function bodyAnswer(
  record: ExchangeRecord,
  side: Side,
  { isDecoded }: { readonly isDecoded: boolean },
): Promise<Response> {
  const body = isDecoded ? await decoded(record, side) : keptBody(record, side);
  return new Response(body.bytes, {
    headers: {
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="${side}-${record.id}.bin"`,
      "x-body-complete": `${body.isWhole}`,
    },
  });
}

/**
 * Answers with a body that a browser may show: an image, or HTML, which is alone in the world there.
 *
 * @throws {APIError} for every other type.
 */
export async function previewAnswer(record: ExchangeRecord, side: Side): Promise<Response> {
  const type = mediaTypeOf(fieldsOf(record, side)) ?? "";
  if (type !== HTML && !PREVIEWED_IMAGES.has(type)) {
    throw new APIError(
      "conflict",
      `There is no preview of ${type === "" ? "an unknown type" : type}.`,
    );
  }
  const body = await decoded(record, side);
  return new Response(body.bytes, {
    headers: {
      "content-type": type === HTML ? HTML_IN_UTF8 : type,
      "content-security-policy": ALONE,
      // The inspector's own page frames it.
      "x-frame-options": "SAMEORIGIN",
      "x-body-complete": `${body.isWhole}`,
    },
  });
}

const HTML = "text/html";
const HTML_IN_UTF8 = "text/html; charset=utf-8";

/** An origin of its own, no script, no form, and nothing that is loaded. */
const ALONE = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

function fieldsOf(record: ExchangeRecord, side: Side) {
  return side === "request" ? record.requestFields : record.responseFields ?? [];
}

function keptBody(record: ExchangeRecord, side: Side): DecodedBody {
  const body = side === "request" ? record.requestBody : record.responseBody;
  if (body === null) return { bytes: new Uint8Array(0), isWhole: true };
  return { bytes: body.bytes, isWhole: body.isComplete && body.kept === body.size };
}

async function decoded(record: ExchangeRecord, side: Side): Promise<DecodedBody> {
  const encoding = fieldValue(fieldsOf(record, side), "content-encoding") ?? "";
  const body = keptBody(record, side);
  try {
    return body.bytes.length === 0 ? body : await undoCodings(body, encoding);
  } catch (error) {
    if (!(error instanceof CodingError)) throw error;
    throw new APIError("conflict", `The body cannot be decoded: ${error.message}.`);
  }
}
