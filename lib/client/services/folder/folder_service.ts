import { type FileHandle, open } from "node:fs/promises";
import { platform } from "node:process";
import { type Field, fieldValue } from "../../../http/fields.ts";
import type { RequestHead, ResponseHead } from "../../../http/head.ts";
import { pathOf, queryOf } from "../../../http/target.ts";
import { ErrorCode } from "../../../wire/errors.ts";
import { messageOf } from "../../../cli/safe_text.ts";
import { systemReason } from "../../../net/system_reason.ts";
import type { Incoming, Service } from "../service.ts";
import { fileHead } from "./file_head.ts";
import { Folder, type Found } from "./folder.ts";
import { folderPage } from "./folder_page.ts";
import { type FolderPath, readFolderPath } from "./folder_path.ts";

export interface FolderServiceOptions {
  readonly path: string;
  /** Whether a folder without an `index.html` shows what is in it. */
  readonly list: boolean;
  /** Whether the first page stands for those that are not there, and finds out by itself what was asked for. */
  readonly spa: boolean;
  /** Hears a sentence for the owner when a file cannot be read. @default does nothing */
  readonly onTrouble?: (sentence: string) => void;
}

type FoundFile = Extract<Found, { kind: "file" }>;

/** An answer: a file, or a text that is here. */
type Answer = FoundFile | {
  readonly kind: "text";
  readonly head: ResponseHead;
  readonly body: Uint8Array;
};

const INDEX = "index.html";

/** Bytes that are read of a file at once: what a stream may send in one turn of the event loop. */
const PIECE = 64 * 1024;

/** Answers visitors with the files of a folder. */
export class FolderService implements Service {
  readonly #folder: Folder;
  readonly #list: boolean;
  readonly #spa: boolean;
  readonly #onTrouble: (sentence: string) => void;

  /** @throws {ProgramError} when there is no such folder. */
  constructor({ path, list, spa, onTrouble = () => {} }: FolderServiceOptions) {
    this.#folder = new Folder(path);
    this.#list = list;
    this.#spa = spa;
    this.#onTrouble = onTrouble;
  }

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    let hasLeft = false;
    incoming.onAbort = () => hasLeft = true;
    try {
      const answer = await this.#answer(head);
      if (hasLeft) return;
      const isHead = head.method === "HEAD";
      if (answer.kind === "file") await this.#sendFile(incoming, answer, head);
      else {
        incoming.respond(answer.head, isHead);
        if (!isHead) await incoming.end(answer.body);
      }
      // The answer is complete: nothing reads an upload.
      if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
    } catch (error) {
      if (hasLeft) return;
      this.#onTrouble(`a file could not be sent: ${messageOf(error)}`);
      incoming.reset(ErrorCode.Internal, "the file could not be sent to its end");
    } finally {
      incoming.onAbort = null;
    }
  }

  /** Does nothing: nothing is kept. */
  close(): void {}

  async #answer(head: RequestHead): Promise<Answer> {
    if (head.method !== "GET" && head.method !== "HEAD") {
      return sentence(405, "A folder of files can only be read.", [["allow", "GET, HEAD"]]);
    }
    const path = readFolderPath(head.target, platform === "win32");
    if (path === null) return NOT_FOUND;
    const found = await this.#folder.find(path);
    switch (found.kind) {
      case "file":
        // A slash behind a file would move what its links lead to.
        return path.isFolder ? NOT_FOUND : found;
      case "folder":
        return path.isFolder ? await this.#index(path) : toFolder(head.target);
      case "missing":
        return this.#spa && asksForPage(path, head) ? await this.#first() : NOT_FOUND;
      case "refused":
        return NOT_FOUND;
    }
  }

  async #index({ names }: FolderPath): Promise<Answer> {
    const index = await this.#folder.find({ names: [...names, INDEX] });
    if (index.kind === "file") return index;
    if (this.#list) return text(200, await folderPage(this.#folder, names), PAGE_FIELDS);
    return this.#spa ? await this.#first() : NOT_FOUND;
  }

  async #first(): Promise<Answer> {
    const first = await this.#folder.find({ names: [INDEX] });
    return first.kind === "file" ? first : NOT_FOUND;
  }

  async #sendFile(incoming: Incoming, { path }: FoundFile, request: RequestHead): Promise<void> {
    const file = await this.#open(path);
    if (file === null) {
      incoming.respond(NOT_FOUND.head, request.method === "HEAD");
      return request.method === "HEAD" ? undefined : await incoming.end(NOT_FOUND.body);
    }
    try {
      // Of the file that is open now, which may be another one than was found.
      const { size, mtime: modified } = await file.stat();
      const { start, length, ...head } = await fileHead({ path, size, modified }, request);
      const isBodiless = length === 0 || request.method === "HEAD";
      incoming.respond(head, isBodiless);
      if (!isBodiless) await sendPart(incoming, file, { start, length });
    } finally {
      await file.close();
    }
  }

  /** Opens a file; null for one that was taken away meanwhile, or that may not be read, which the owner is told. */
  async #open(path: string): Promise<FileHandle | null> {
    try {
      return await open(path);
    } catch (error) {
      this.#onTrouble(`a visitor got 404: cannot read ${path}: ${systemReason(error)}`);
      return null;
    }
  }
}

async function sendPart(
  incoming: Incoming,
  file: FileHandle,
  { start, length }: { readonly start: number; readonly length: number },
): Promise<void> {
  let piece: Uint8Array | null = null;
  let room = PIECE;
  for (let at = start, left = length; left > 0;) {
    piece ??= new Uint8Array(Math.min(left, PIECE));
    const { bytesRead } = await file.read(piece, 0, Math.min(left, piece.length, room), at);
    if (bytesRead === 0) throw new Error("it has become shorter");
    at += bytesRead;
    left -= bytesRead;
    const bytes = piece.subarray(0, bytesRead);
    const sent = left === 0 ? incoming.end(bytes) : incoming.write(bytes);
    if (sent !== undefined) await sent;
    if (left === 0) return;
    const credit = incoming.credit();
    // A visitor who takes nothing costs no memory.
    if (credit instanceof Promise) piece = null;
    room = await credit;
  }
}

/** Whether a page is asked for, and not a part of one, which an HTML page in its place would break in a puzzling way. */
function asksForPage({ names }: FolderPath, { fields }: RequestHead): boolean {
  const isNamedLikeFile = names.at(-1)?.includes(".") ?? false;
  return !isNamedLikeFile || (fieldValue(fields, "accept")?.includes("text/html") ?? false);
}

/** Sends to the same path with a slash behind it; a relative reference is right behind any prefix. */
function toFolder(target: string): Answer {
  const path = pathOf(target);
  const last = path.slice(path.lastIndexOf("/") + 1);
  const location = `./${last}/${queryOf(target)}`;
  return sentence(307, "This is a folder.", [["location", location]]);
}

/** Nothing but the page's own styles is loaded or run, whatever files are called. */
const PAGE_FIELDS: readonly Field[] = [
  ["content-type", "text/html; charset=utf-8"],
  ["content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"],
  ["cache-control", "no-cache"],
];

const encoder = new TextEncoder();

function text(status: number, content: string, fields: readonly Field[]) {
  const body = encoder.encode(content);
  const length: Field = ["content-length", `${body.length}`];
  return { kind: "text", head: { status, fields: [...fields, length] }, body } as const;
}

function sentence(status: number, content: string, fields: readonly Field[] = []) {
  return text(status, `${content}\n`, [...fields, ["content-type", "text/plain"]]);
}

const NOT_FOUND = sentence(404, "There is no such file.");
