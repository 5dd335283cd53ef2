import type { MessageSocket } from "../../websocket/bridge.ts";
import { CloseCode } from "../../websocket/close_code.ts";

/** Milliseconds in which an accepted WebSocket opens, or never will: the answer takes a turn of the event loop to send. */
const OPEN_TIMEOUT = 10_000;

/** A visit's WebSocket, which its visit can take back. */
export interface ServeWebSocket extends MessageSocket {
  /** Ends it before it opens: the close is told now, and the connection ends as soon as it is there. */
  abandon(): void;
}

/**
 * Makes of a WebSocket of `Deno.upgradeWebSocket` what a visit promises: it can be terminated, and one close event tells
 * of its end, however it comes.
 *
 * Deno tells nothing at all of a socket whose peer leaves before it opens, and tells twice of one that answers no ping. Of
 * that one it says 1001, as if the peer had closed; here it is an end without a close frame.
 */
export function serveSocket(socket: WebSocket, onOpen: () => void): ServeWebSocket {
  socket.binaryType = "arraybuffer";
  let isOver = false;
  const end = (): void => {
    clearTimeout(opening);
    isOver = true;
  };
  const vanished = (): void => {
    socket.dispatchEvent(new CloseEvent("close", { code: CloseCode.Abnormal }));
  };
  const opening = setTimeout(vanished, OPEN_TIMEOUT);
  socket.addEventListener("open", () => {
    clearTimeout(opening);
    if (isOver) terminate(socket);
    else onOpen();
  });
  // It is the first to hear, so what it stops reaches nobody.
  socket.addEventListener("close", (event) => {
    if (isOver) event.stopImmediatePropagation();
    else if (isGivenUp(event)) {
      event.stopImmediatePropagation();
      vanished();
    } else end();
  });
  return Object.assign(socket, { terminate: () => terminate(socket), abandon: vanished });
}

/** Whether Deno has given up a peer that answered no ping; a peer's own 1001 comes with a close frame, and so is clean. */
function isGivenUp({ code, wasClean }: CloseEvent): boolean {
  return code === CloseCode.GoingAway && !wasClean;
}

/**
 * Ends a connection at once, without a close frame.
 *
 * The API has no way to do that. After `close` Deno waits for the peer's close frame for ever, and goes on taking in one
 * message that has no limit to its fragments: 420 MB of one peer were seen. What Deno closes in the end is the socket's
 * resource, so this closes it as Deno does. A socket that has none yet, or a version of Deno that keeps it elsewhere, is
 * asked to close; its peer then decides how long it lasts, and it counts until then.
 */
function terminate(socket: WebSocket): void {
  const id = Object.getOwnPropertySymbols(socket).find(({ description }) =>
    description === "[[rid]]"
  );
  const resource = memberOf(socket, id);
  if (typeof closeResource === "function" && typeof resource === "number") {
    Reflect.apply(closeResource, undefined, [resource]);
  } else socket.close();
}

const closeResource = memberOf(
  memberOf(memberOf(Deno, memberOf(Deno, "internal")), "core"),
  "tryClose",
);

function memberOf(value: unknown, key: unknown): unknown {
  const isObject = typeof value === "object" && value !== null;
  const isKey = typeof key === "string" || typeof key === "symbol";
  return isObject && isKey ? Reflect.get(value, key) : undefined;
}
