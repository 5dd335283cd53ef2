import type { Field } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/head.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import type { Incoming } from "./service.ts";

/** The service's end of an exchange as it is: what is between a service and its visitors changes a part of it. */
export class PassingIncoming implements Incoming {
  readonly type: number;
  readonly #incoming: Incoming;

  constructor(incoming: Incoming) {
    this.type = incoming.type;
    this.#incoming = incoming;
  }

  get receiveEnded(): boolean {
    return this.#incoming.receiveEnded;
  }

  get trailers(): readonly Field[] | null {
    return this.#incoming.trailers;
  }

  get sendEnded(): boolean {
    return this.#incoming.sendEnded;
  }

  get onAbort(): Incoming["onAbort"] {
    return this.#incoming.onAbort;
  }

  set onAbort(listener: Incoming["onAbort"]) {
    this.#incoming.onAbort = listener;
  }

  sendInterim(head: ResponseHead): void {
    this.#incoming.sendInterim(head);
  }

  respond(head: ResponseHead, end: boolean): void {
    this.#incoming.respond(head, end);
  }

  read(): Chunk | null | Promise<Chunk | null> {
    return this.#incoming.read();
  }

  readNow(): Chunk | undefined {
    return this.#incoming.readNow();
  }

  credit(): number | Promise<number> {
    return this.#incoming.credit();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    return this.#incoming.write(bytes);
  }

  sendTrailers(fields: readonly Field[]): void {
    this.#incoming.sendTrailers(fields);
  }

  end(bytes?: Uint8Array): void | Promise<void> {
    return this.#incoming.end(bytes);
  }

  writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    return this.#incoming.writeMessage(bytes, text);
  }

  teardown(payload: Uint8Array): void {
    this.#incoming.teardown(payload);
  }

  reset(code: number, reason?: string): void {
    this.#incoming.reset(code, reason);
  }
}
