import { eTag, ifNoneMatch } from "@std/http/etag";
import { contentType } from "@std/media-types/content-type";
import { type Field, fieldValue } from "../../../http/fields.ts";
import type { RequestHead, ResponseHead } from "../../../http/head.ts";

/** What is known of a file. */
export interface FileFacts {
  /** Its path, whose end tells the type. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly modified: Date | null;
}

/** The head of an answer with a file, and which of its bytes follow. */
export interface FileHead extends ResponseHead {
  readonly start: number;
  readonly length: number;
}

/** Decides how a GET or HEAD for a file is answered: with all of it, with a range (RFC 9110 section 14), or not at all. */
export async function fileHead(file: FileFacts, request: RequestHead): Promise<FileHead> {
  const { size, modified } = file;
  const etag = await eTag({ size, mtime: modified }) ?? null;
  const versions = versionFields(etag, modified);
  if (isKnown(request, etag, modified)) {
    return { status: 304, fields: versions, start: 0, length: 0 };
  }
  const range = rangeOf(request, file);
  if (range === "unsatisfiable") {
    const fields: readonly Field[] = [["content-range", `bytes */${size}`], [
      "content-length",
      "0",
    ]];
    return { status: 416, fields, start: 0, length: 0 };
  }
  const { start, length } = range ?? { start: 0, length: size };
  const type = contentType(extensionOf(file.path));
  const fields: readonly Field[] = [
    ...type === undefined ? [] : [["content-type", type]] as const,
    ["content-length", `${length}`],
    ["accept-ranges", "bytes"],
    ...range === null
      ? []
      : [["content-range", `bytes ${start}-${start + length - 1}/${size}`]] as const,
    ...versions,
  ];
  return { status: range === null ? 200 : 206, fields, start, length };
}

/** Returns the fields that tell versions of a file apart. */
function versionFields(etag: string | null, modified: Date | null): Field[] {
  return [
    ...etag === null ? [] : [["etag", etag]] as const,
    ...modified === null ? [] : [["last-modified", modified.toUTCString()]] as const,
    // A copy may be kept and is asked for anew each time, since the owner is at work on these files.
    ["cache-control", "no-cache"],
  ];
}

/** Whether the visitor has the file as it is (RFC 9110 section 13.2.2). */
function isKnown({ fields }: RequestHead, etag: string | null, modified: Date | null): boolean {
  const tags = fieldValue(fields, "if-none-match");
  if (tags !== undefined) return etag !== null && !ifNoneMatch(tags, etag);
  const since = Date.parse(fieldValue(fields, "if-modified-since") ?? "");
  return modified !== null && inSeconds(modified.getTime()) <= inSeconds(since);
}

/** Times on the wire have no fractions. */
function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

/** One range of bytes; of several all of the file is the answer, which is always right. */
const RANGE = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/;

interface Range {
  readonly start: number;
  readonly length: number;
}

/** Returns the range that is asked for, null for the whole file. */
function rangeOf(
  { method, fields }: RequestHead,
  { size, modified }: FileFacts,
): Range | "unsatisfiable" | null {
  const [, first = "", last = ""] = RANGE.exec(fieldValue(fields, "range") ?? "") ?? [];
  const condition = fieldValue(fields, "if-range");
  // The tag is a weak one, so that only a date can say that a file is the same to the byte (section 13.1.5).
  const isSame = condition === undefined || condition === modified?.toUTCString();
  if (method !== "GET" || size === 0 || !isSame || (first === "" && last === "")) return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, length };
  }
  const start = Number(first);
  const end = last === "" ? Infinity : Number(last);
  // Such a range is none, and a field that is none is passed over (section 14.1.1).
  if (end < start) return null;
  return start >= size ? "unsatisfiable" : { start, length: Math.min(end, size - 1) - start + 1 };
}

function extensionOf(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "" : name.slice(dot);
}
