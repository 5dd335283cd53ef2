import { assert } from "@std/assert";
import { QuietWait } from "../../lib/websocket/quiet_wait.ts";
import { within } from "../testing/within.ts";

Deno.test("QuietWait calls back when nothing came, and not within the same turn", async () => {
  const quiet = Promise.withResolvers<void>();
  let isQuiet = false;
  new QuietWait().begin(() => {
    isQuiet = true;
    quiet.resolve();
  });
  assert(!isQuiet);
  await within(quiet.promise, "quiet");
});

Deno.test("QuietWait waits no longer than it may for a peer that never falls silent", async () => {
  const wait = new QuietWait();
  const quiet = Promise.withResolvers<void>();
  const noise = setInterval(() => wait.heard(), 20);
  wait.begin(() => quiet.resolve());
  await within(quiet.promise, "as good as quiet");
  clearInterval(noise);
});

Deno.test("QuietWait starts no timer that outlives its end", () => {
  const wait = new QuietWait();
  wait.begin(() => {});
  wait.cancel();
});
