import { assertEquals } from "@std/assert";
import { serveSocket } from "../../../lib/server/listen/serve_socket.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { settled } from "../../testing/turn.ts";
import { within } from "../../testing/within.ts";

Deno.test("A visit's WebSocket whose resource is not found is closed as the API can", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  // One that is still being opened by this side has no resource, as none has for us in a Deno that names it otherwise.
  const unopened = new WebSocket(`ws://127.0.0.1:${listener.addr.port}`);
  const closed = new Promise<void>((resolve) =>
    unopened.addEventListener("close", () => resolve())
  );
  const socket = serveSocket(unopened, () => {});
  using _peer = await within(listener.accept(), "a handshake, which gets no answer");
  socket.terminate?.();
  assertEquals(unopened.readyState, WebSocket.CLOSING);
  await within(closed, "the close");
});

Deno.test("serveSocket tells after 10 s of a WebSocket that never opens, once", async () => {
  // An upgrade that Deno leaves hanging keeps its server from ever shutting down: a handshake without an answer stands for it.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const unopened = new WebSocket(`ws://127.0.0.1:${listener.addr.port}`);
  const failed = new Promise((resolve) => unopened.addEventListener("error", resolve));
  const closes: number[] = [];
  {
    using clock = new FakeClock();
    const socket = serveSocket(unopened, () => {});
    socket.addEventListener("close", ({ code }) => closes.push(code));
    clock.advance(9_999);
    assertEquals(closes, []);
    clock.advance(1);
    assertEquals([closes, clock.pending], [[1006], 0]);
  }
  (await listener.accept()).close();
  await within(failed, "the end of the handshake");
  await settled();
  assertEquals(closes, [1006]);
});
