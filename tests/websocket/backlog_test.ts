import { assert, assertEquals, assertFalse } from "@std/assert";
import { Backlog } from "../../lib/websocket/backlog.ts";
import { Budget } from "../../lib/mux/flow_control.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../lib/wire/limits.ts";

Deno.test("Backlog charges the shared budget with what waits beyond its free bytes", () => {
  const shared = new Budget(100);
  const backlog = new Backlog(shared, 10);
  assert(backlog.tryAdd(10));
  assertEquals(shared.used, 0);
  assert(backlog.tryAdd(60));
  assertEquals([shared.used, backlog.waiting], [60, 70]);
  backlog.remove(65);
  assertEquals([shared.used, backlog.waiting], [0, 5]);
});

Deno.test("Backlog leaves its free bytes to a socket when others have spent the budget", () => {
  const shared = new Budget(100);
  const flood = new Backlog(shared, 10);
  const calm = new Backlog(shared, 10);
  assert(flood.tryAdd(110));
  assertFalse(flood.tryAdd(1));
  assert(calm.tryAdd(10));
  assertFalse(calm.tryAdd(1));
  assertEquals([flood.waiting, calm.waiting], [110, 10], "what was refused does not count");
});

Deno.test("Backlog lets no socket have more than its largest message and a little waiting", () => {
  const backlog = new Backlog(new Budget(10 * MAX_WEBSOCKET_MESSAGE), 0);
  assert(backlog.tryAdd(MAX_WEBSOCKET_MESSAGE));
  assertFalse(backlog.tryAdd(MAX_WEBSOCKET_MESSAGE));
});
