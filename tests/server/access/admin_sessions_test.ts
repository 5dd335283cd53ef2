import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Field } from "../../../lib/http/fields.ts";
import { AdminSessions } from "../../../lib/server/access/admin_sessions.ts";

const PLACE = { port: "6519", isSecure: false };
const HOUR = 60 * 60 * 1000;

Deno.test("AdminSessions keeps a login open for 8 hours, at each server with the same token", () => {
  let now = Date.UTC(2027, 0, 31);
  const clock = () => now;
  const sessions = new AdminSessions("0123456789abcdef", clock);
  const cookie = presented(sessions.begin(PLACE));
  assert(sessions.isOpen(cookie, PLACE));
  assert(new AdminSessions("0123456789abcdef", clock).isOpen(cookie, PLACE), "another node");
  assert(!new AdminSessions("0123456789abcdeX", clock).isOpen(cookie, PLACE), "another token");
  now += 8 * HOUR - 1000;
  assert(sessions.isOpen(cookie, PLACE));
  now += 1000;
  assert(!sessions.isOpen(cookie, PLACE));
});

Deno.test("AdminSessions ends the one login that is given back", () => {
  const sessions = new AdminSessions("0123456789abcdef");
  const [first, second] = [presented(sessions.begin(PLACE)), presented(sessions.begin(PLACE))];
  assertMatch(sessions.end(first, PLACE)[1], /^tunnel-admin-6519=; Path=\/; Max-Age=0; /);
  assertEquals([sessions.isOpen(first, PLACE), sessions.isOpen(second, PLACE)], [false, true]);
  sessions.end([], PLACE);
  assert(sessions.isOpen(second, PLACE));
});

Deno.test("AdminSessions gives a cookie that over HTTPS no other host can set, nor see without it", () => {
  const sessions = new AdminSessions("0123456789abcdef");
  const [name, value] = sessions.begin({ port: "443", isSecure: true });
  assertEquals(name, "set-cookie");
  assertMatch(
    value,
    /^__Host-tunnel-admin=[^;]+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict; Secure$/,
  );
});

/** Returns the fields with which a browser presents a cookie that it was given. */
function presented([, value]: Field): readonly Field[] {
  return [["cookie", value.split(";")[0] ?? ""]];
}
