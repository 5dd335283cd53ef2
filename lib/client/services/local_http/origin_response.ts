import { BodyDecoder } from "../../../http/body_decoder.ts";
import type { Field } from "../../../http/fields.ts";
import type { ResponseHead } from "../../../http/head.ts";
import type { ParsedHead } from "../../../http/response_parser.ts";
import type { OriginConnection } from "./origin_connection.ts";

/** Hears of the end of a response: the exchange that it belongs to. */
export interface ResponseOwner {
  /** The body is complete; the response uses the connection no more. */
  finish(connection: OriginConnection): void;
  /** The body cannot be read. */
  fail(error: unknown): void;
}

/** What the origin answers: a head, then its body piece by piece. */
export class OriginResponse {
  /** Its end-to-end fields and a final status. */
  readonly head: ResponseHead;
  readonly #decoder: BodyDecoder;
  readonly #owner: ResponseOwner;
  /** Where the body comes from; null once it has ended, well or not. */
  #connection: OriginConnection | null;
  /** Why the body broke off. */
  #error: unknown = null;
  /** Bytes that the latest read wants from the origin. */
  #most = Infinity;
  /** The read that waits for the next bytes. */
  #waiting: PromiseWithResolvers<Uint8Array | null> | null = null;

  constructor({ head, framing }: ParsedHead, connection: OriginConnection, owner: ResponseOwner) {
    this.head = head;
    this.#decoder = new BodyDecoder(framing);
    this.#owner = owner;
    this.#connection = connection;
  }

  /** Whether all of the body has been returned, so that the next `read` can only return null. */
  get complete(): boolean {
    return this.#decoder.done;
  }

  /** The fields behind the body, once it is complete; null for none. */
  get trailers(): readonly Field[] | null {
    return this.#decoder.trailers;
  }

  /** Takes what was mended of the body so far. */
  takeMended(): readonly string[] {
    return this.#decoder.takeMended();
  }

  /** Takes the end of the connection, and tells whether the body is whole: then it has ended. */
  endConnection(): boolean {
    if (!this.#decoder.endConnection()) return false;
    this.finish();
    return true;
  }

  /**
   * Returns the next bytes of the body, or null at the end; one call at a time. The view is valid until
   * the next call or `pause`, and the connection serves others only once null was returned (or the exchange aborted).
   *
   * @param most is how many bytes are wanted from the origin; some more may be here already.
   * @throws {OriginError} when the body is cut or malformed.
   */
  read(most = Infinity): Uint8Array | null | Promise<Uint8Array | null> {
    const connection = this.#connection;
    if (connection === null) {
      return this.#error === null ? null : Promise.reject(this.#error);
    }
    if (this.#waiting !== null) throw new TypeError("one read of a body at a time");
    if (this.#decoder.done || connection.start < connection.end) {
      try {
        const piece = this.#take(connection);
        if (piece !== undefined) return piece;
      } catch (error) {
        this.#owner.fail(error);
        return Promise.reject(error);
      }
    }
    this.#waiting = Promise.withResolvers();
    this.#most = most;
    connection.receive(most);
    return this.#waiting.promise;
  }

  /** Gives memory back until the next `read`: the visitor takes nothing for now. */
  pause(): void {
    this.#connection?.shelve();
  }

  /** Takes what has come on the connection. @throws {OriginError} when it is malformed. */
  received(connection: OriginConnection): void {
    const piece = this.#take(connection);
    if (piece === undefined) connection.receive(this.#most);
    else this.#deliver(piece);
  }

  /** Ends the body well. */
  finish(): void {
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) this.#owner.finish(connection);
    this.#deliver(null);
  }

  /** Ends the body with an error. */
  fail(error: unknown): void {
    this.#error = error;
    this.#connection = null;
    this.#waiting?.reject(error);
  }

  /** Takes data from what was received: undefined when there is none yet, null when the body is done. */
  #take(connection: OriginConnection): Uint8Array | null | undefined {
    const decoder = this.#decoder;
    if (!decoder.done) {
      connection.start = decoder.decode(connection.buffer, connection.start, connection.end);
      if (decoder.from < decoder.to) return connection.buffer.subarray(decoder.from, decoder.to);
      if (!decoder.done) return undefined;
    }
    this.#connection = null;
    this.#owner.finish(connection);
    return null;
  }

  #deliver(piece: Uint8Array | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(piece);
  }
}
