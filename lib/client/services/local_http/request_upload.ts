import {
  CHUNK_END,
  framingOfNothing,
  MAX_CHUNK_PREFIX,
  writeChunkPrefix,
  writeFraming,
} from "../../../http/request_writer.ts";
import type { Field } from "../../../http/fields.ts";
import { lastChunk } from "../../../http/trailers.ts";
import type { ConnectionWriter, OriginConnection } from "./origin_connection.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { giveBack, type OriginRequest } from "./origin_request.ts";

/** Gives the body of a request, as fast as the origin takes it. */
export interface UploadSource {
  /** Announced Content-Length in bytes, or null: then it is sent chunked (RFC 9112 section 7.1). */
  readonly length: number | null;
  /** Returns the next bytes (valid until the next call), or null at the end; rejects when the visitor has gone. */
  read(): Uint8Array | null | Promise<Uint8Array | null>;
  /** The fields behind the body, once it has ended: chunks alone can be followed by them. @default none */
  readonly trailers?: readonly Field[] | null;
}

/** Hears of an upload that cannot go on. */
export interface UploadOwner {
  /** The body broke off, or is not as long as announced. */
  fail(error: OriginError): void;
}

/** Sends one request: its head, then its body as fast as the origin takes it. */
export class RequestUpload implements ConnectionWriter {
  /** What broke while the connection was written to; the response may tell the real reason. */
  error: unknown = null;
  readonly #body: UploadSource | null;
  readonly #out: Uint8Array<ArrayBuffer>;
  /** Bytes collected in `#out`. */
  #length: number;
  /** Bytes of body that are still to come; infinite for chunks, whose end alone tells. */
  #remaining: number;
  #sent = false;
  #stopped = false;
  /** Made for a caller that waits for the end: most do not. */
  #over: PromiseWithResolvers<void> | null = null;
  /** Whether the request is not sent once more. */
  #isLast = false;

  constructor(request: OriginRequest, body: UploadSource | null) {
    const { method, length, buffer, written } = request;
    const framing = body === null
      ? framingOfNothing(method, length !== null)
      : body.length ?? "chunked";
    this.#body = body;
    this.#out = buffer;
    this.#length = writeFraming(framing, buffer, written);
    this.#remaining = body === null ? 0 : body.length ?? Infinity;
  }

  /** Tells whether the connection has taken all bytes of the request. */
  get sent(): boolean {
    return this.#sent;
  }

  /** Resolves when no more of the request is sent: the connection has taken all of it, or it was given up. */
  get over(): Promise<void> {
    this.#over ??= Promise.withResolvers();
    if (this.#sent || this.#stopped) this.#over.resolve();
    return this.#over.promise;
  }

  /** Sends the request. */
  start(connection: OriginConnection, owner: UploadOwner): void {
    const body = this.#body;
    // Most have no body, and then no promise is needed.
    if (body === null) return connection.send(this.#takeCollected(), this);
    this.#send(connection, body).then(
      () => this.#finish(),
      (cause) => this.#stopped || owner.fail(bodyError(cause)),
    );
  }

  /** The head of a request without a body is sent. */
  written(): void {
    this.#finish();
  }

  /** It is not, which is only taken note of: the origin may have answered before it closed. */
  writeFailed(cause: unknown): void {
    this.error = cause;
    this.#stopped = true;
    this.#finish();
  }

  /** Asks the body for nothing more and leaves the connection alone. */
  stop(): void {
    this.#stopped = true;
    this.#over?.resolve();
  }

  /** Lets the request's buffer go as soon as it is sent. */
  letGo(): void {
    if (this.#isLast) return;
    this.#isLast = true;
    if (this.#sent) giveBack(this.#out);
  }

  async #send(connection: OriginConnection, body: UploadSource): Promise<void> {
    while (!this.#stopped) {
      const next = this.#next(connection, body);
      const piece = next instanceof Promise ? await next : next;
      if (this.#stopped) return;
      if (piece === null) return await this.#end(connection);
      // A chunk of no bytes would end the body (RFC 9112 section 7.1).
      if (piece.length === 0) continue;
      if (body.length === null) await this.#sendChunk(connection, piece);
      else {
        this.#count(piece.length, body.length);
        await this.#put(connection, piece);
      }
    }
  }

  /** Reads the next piece. What was collected goes out before it waits, and before it tells that the body broke off. */
  #next(connection: OriginConnection, body: UploadSource): ReturnType<UploadSource["read"]> {
    let piece: ReturnType<UploadSource["read"]>;
    try {
      piece = body.read();
    } catch (error) {
      piece = Promise.reject(error);
    }
    return piece instanceof Promise ? this.#flushBefore(connection, piece) : piece;
  }

  async #flushBefore(
    connection: OriginConnection,
    piece: Promise<Uint8Array | null>,
  ): Promise<Uint8Array | null> {
    // A rejection must find its handler at once.
    piece.catch(() => {});
    await this.#flush(connection);
    return await piece;
  }

  async #sendChunk(connection: OriginConnection, piece: Uint8Array): Promise<void> {
    if (this.#length + MAX_CHUNK_PREFIX > this.#out.length) await this.#flush(connection);
    this.#length = writeChunkPrefix(piece.length, this.#out, this.#length);
    await this.#put(connection, piece);
    await this.#put(connection, CHUNK_END);
  }

  async #end(connection: OriginConnection): Promise<void> {
    if (this.#remaining === Infinity) {
      await this.#put(connection, lastChunk(this.#body?.trailers));
      this.#remaining = 0;
    } else if (this.#remaining > 0) {
      await this.#flush(connection);
      throw new OriginError("aborted", `request given up: ${this.#remaining} bytes were not sent`);
    }
    await this.#flush(connection);
  }

  /** Collects bytes, or sends them when they are too many for that. */
  async #put(connection: OriginConnection, bytes: Uint8Array): Promise<void> {
    if (this.#length + bytes.length > this.#out.length) {
      await this.#flush(connection);
      if (bytes.length > this.#out.length) return await this.#write(connection, bytes);
    }
    this.#out.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #count(size: number, announced: number): void {
    if (size > this.#remaining) {
      throw new OriginError("aborted", `request given up: its body exceeds ${announced} bytes`);
    }
    this.#remaining -= size;
  }

  async #flush(connection: OriginConnection): Promise<void> {
    if (this.#length === 0) return;
    await this.#write(connection, this.#takeCollected());
  }

  #takeCollected(): Uint8Array {
    const collected = this.#out.subarray(0, this.#length);
    this.#length = 0;
    return collected;
  }

  /** Writes, and only takes note when that fails: the origin may have answered before it closed. */
  async #write(connection: OriginConnection, bytes: Uint8Array): Promise<void> {
    if (this.#stopped) return;
    try {
      await connection.write(bytes);
    } catch (cause) {
      this.error = cause;
      this.#stopped = true;
    }
  }

  #finish(): void {
    this.#over?.resolve();
    // Stopped early, it may have left its buffer with a write that is under way.
    if (this.#stopped) return;
    this.#sent = true;
    if (this.#isLast) giveBack(this.#out);
  }
}

function bodyError(cause: unknown): OriginError {
  if (cause instanceof OriginError) return cause;
  return new OriginError("aborted", "request given up: its body broke off", { cause });
}
