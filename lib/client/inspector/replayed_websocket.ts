import type { Chunk } from "../../mux/receive_queue.ts";
import { FrameType } from "../../wire/frame.ts";
import { ReplayedIncoming } from "./replayed_incoming.ts";
import type { ReplayStep } from "./websocket_script.ts";

/** Opens a WebSocket at a service once more without a visitor: plays the visitor's part, and drops what comes, which is recorded. */
export class ReplayedWebSocket extends ReplayedIncoming {
  override readonly type: number = FrameType.WSRequest;
  /** What is still to be sent; the last is a close. */
  #steps: readonly ReplayStep[];
  #at = 0;
  /** Messages that the service has sent. */
  #received = 0;
  /** Who waits for the next step. */
  #reader: PromiseWithResolvers<Chunk | null> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(steps: readonly ReplayStep[]) {
    super(null);
    this.#steps = steps;
  }

  override get receiveEnded(): boolean {
    return this.#at >= this.#steps.length;
  }

  override read(): Chunk | null | Promise<Chunk | null> {
    if (this.error !== null) throw this.error;
    const chunk = this.readNow();
    if (chunk !== undefined) return chunk;
    const step = this.#steps[this.#at];
    if (step === undefined) return null;
    this.#reader = Promise.withResolvers();
    this.#timer = setTimeout(() => this.#goOn(this.#take()), step.patience);
    return this.#reader.promise;
  }

  override readNow(): Chunk | undefined {
    const step = this.#steps[this.#at];
    return step !== undefined && step.after <= this.#received ? this.#take() : undefined;
  }

  override writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    super.writeMessage(bytes, text);
    this.#received++;
    if (this.#reader === null) return;
    const chunk = this.readNow();
    if (chunk !== undefined) this.#goOn(chunk);
  }

  /** Answers the service's close with the same, as every browser does, in place of what was still to be sent. */
  override teardown(payload: Uint8Array): void {
    super.teardown(payload);
    if (this.receiveEnded) return;
    const bytes = payload.slice();
    const chunk = { type: FrameType.WSTeardown, flags: 0, bytes, cost: bytes.length };
    this.#steps = [{ chunk, after: 0, patience: 0 }];
    this.#at = 0;
    if (this.#reader !== null) this.#goOn(this.#take());
  }

  override reset(code: number, reason = ""): void {
    super.reset(code, reason);
    this.#break();
  }

  override abort(reason: string): void {
    super.abort(reason);
    this.#break();
  }

  #take(): Chunk | undefined {
    return this.#steps[this.#at++]?.chunk;
  }

  #goOn(chunk: Chunk | undefined): void {
    clearTimeout(this.#timer);
    const reader = this.#reader;
    this.#reader = null;
    reader?.resolve(chunk ?? null);
  }

  #break(): void {
    clearTimeout(this.#timer);
    if (this.error !== null) this.#reader?.reject(this.error);
    this.#reader = null;
  }
}
