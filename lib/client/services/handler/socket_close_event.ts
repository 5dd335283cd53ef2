import { CloseCode } from "../../../websocket/close_code.ts";

/** Bytes of a close reason: a control frame holds 125, and the code takes two of them (RFC 6455 section 5.5). */
const MAX_REASON = 123;

/** How a WebSocket ended; not every runtime has the standard's class of events. */
export class SocketCloseEvent extends Event implements CloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor({ code, reason, wasClean }: Required<Omit<CloseEventInit, keyof EventInit>>) {
    super("close");
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

/** @throws {DOMException} for what `close` of a WebSocket may not be given (WHATWG WebSockets, section 3.1). */
export function checkClose(code: number, reason: string): void {
  const isOwn = code >= 3000 && code <= 4999 && Number.isInteger(code);
  if (code !== CloseCode.Normal && code !== CloseCode.NoStatus && !isOwn) {
    const expected = `must be 1000, or from 3000 to 4999, not ${code}`;
    throw new DOMException(`the close code ${expected}`, "InvalidAccessError");
  }
  if (new TextEncoder().encode(reason).length > MAX_REASON) {
    throw new DOMException(`the close reason has more than ${MAX_REASON} bytes`, "SyntaxError");
  }
}
