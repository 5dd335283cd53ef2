import zlib from "node:zlib";
import type { Transform } from "node:stream";
import { listMembers } from "../../http/fields.ts";

/** Bytes of a decoded body: a small one may have gigabytes in it. */
export const MAX_DECODED = 8 * 1024 * 1024;

/** Codings of one body: one is usual, and each is a pass over all of it. */
const MAX_CODINGS = 4;

/** A body whose coding is unknown, or that is not in it. */
export class CodingError extends Error {
  override readonly name = "CodingError";
}

export interface DecodedBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

/**
 * Undoes the codings that a Content-Encoding lists (RFC 9110 section 8.4), as far as the bytes go.
 *
 * @throws {CodingError} for a coding that is not known, and for bytes that are not in it.
 */
export async function undoCodings(
  { bytes, isWhole }: DecodedBody,
  encoding: string,
): Promise<DecodedBody> {
  const codings = listMembers(encoding.toLowerCase()).filter((name) => name !== "");
  if (codings.length > MAX_CODINGS) {
    throw new CodingError(`a body in ${codings.length} codings, more than ${MAX_CODINGS}`);
  }
  let body: DecodedBody = { bytes, isWhole };
  for (const coding of codings.reverse()) {
    if (coding !== "identity") body = await undo(coding, body);
  }
  return body;
}

async function undo(coding: string, body: DecodedBody): Promise<DecodedBody> {
  const decoder = decoderOf(coding, body);
  const pieces: Uint8Array[] = [];
  let length = 0;
  let { isWhole } = body;
  decoder.end(body.bytes);
  try {
    for await (const piece of decoder) {
      if (!(piece instanceof Uint8Array)) continue;
      pieces.push(piece);
      length += piece.length;
      if (length <= MAX_DECODED) continue;
      decoder.destroy();
      isWhole = false;
      break;
    }
  } catch (cause) {
    throw new CodingError(`the body is not ${coding}`, { cause });
  }
  const decoded = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    decoded.set(piece, at);
    at += piece.length;
  }
  return { bytes: decoded.subarray(0, MAX_DECODED), isWhole };
}

/** Makes a decoder; of a body that was cut, it gives what comes before the cut instead of an error. */
function decoderOf(coding: string, { bytes, isWhole }: DecodedBody): Transform {
  const { Z_FINISH, Z_SYNC_FLUSH, BROTLI_OPERATION_FINISH, BROTLI_OPERATION_FLUSH } =
    zlib.constants;
  const options = { finishFlush: isWhole ? Z_FINISH : Z_SYNC_FLUSH };
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip(options);
    case "deflate":
      // RFC 9110 section 8.4.1.2 means the zlib format; some senders leave its header away.
      return isZlib(bytes) ? zlib.createInflate(options) : zlib.createInflateRaw(options);
    case "br":
      return zlib.createBrotliDecompress({
        finishFlush: isWhole ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH,
      });
    case "zstd":
      // Older runtimes have none.
      if (typeof zlib.createZstdDecompress !== "function") break;
      return zlib.createZstdDecompress({
        finishFlush: isWhole ? zlib.constants.ZSTD_e_end : zlib.constants.ZSTD_e_flush,
      });
  }
  throw new CodingError(`the coding ${JSON.stringify(coding)} is not known`);
}

/** Tells whether bytes begin with the header of the zlib format (RFC 1950 section 2.2). */
function isZlib(bytes: Uint8Array): boolean {
  const [method = 0, flags = 0] = bytes;
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}
