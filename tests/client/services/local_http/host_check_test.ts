import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HostCheck } from "../../../../lib/client/services/local_http/host_check.ts";
import { toBytes } from "../../../testing/latin1.ts";

const PUBLIC_URL = new URL("https://shop.tunnel.example.com:8443/");

const VITE = 'Blocked request. This host ("shop.tunnel.example.com") is not allowed.\n';
const SIGNATURE = "<Error><Code>SignatureDoesNotMatch</Code></Error>";

Deno.test("HostCheck recognises a sign wherever the pieces of a body are parted", () => {
  for (let parted = 0; parted <= VITE.length; parted++) {
    const check = new TestHostCheck();
    check.answer(403, VITE.slice(0, parted), VITE.slice(parted));
    assertEquals(check.told.length, 1, `parted at ${parted}`);
  }
  const check = new TestHostCheck();
  check.answer(403, ...VITE);
  assertEquals(check.told.length, 1);
});

Deno.test("HostCheck tells each kind once, however many answers there are", () => {
  const check = new TestHostCheck();
  for (let i = 0; i < 3; i++) check.answer(403, VITE);
  check.answer(403, "Invalid Host header");
  check.answer(403, "Invalid Host header");
  assertEquals(check.told.map((text) => text.split(" ")[0]), ["Vite", "webpack-dev-server"]);
});

Deno.test("HostCheck tells a kind once that two answers under way at once both show", () => {
  const check = new TestHostCheck();
  const looks = [check.look(403), check.look(403)];
  for (const look of looks) look?.see(toBytes(VITE));
  assertEquals(check.told.length, 1);
});

Deno.test("HostCheck looks at no other answers than 400 and 403, and at none when all was told", () => {
  const check = new TestHostCheck();
  for (const status of [200, 304, 401, 404, 421, 500]) assertEquals(check.look(status), null);
  assert(check.look(400) !== null);
  check.answer(400, "DisallowedHost at /");
  assertEquals(check.look(400), null);
  assert(check.look(403) !== null);
});

Deno.test("HostCheck looks for a sign with the status that it comes with alone", () => {
  const check = new TestHostCheck();
  check.answer(400, VITE);
  check.answer(403, "DisallowedHost at /");
  assertEquals(check.told, []);
});

Deno.test("HostCheck looks at the first 8 KiB of a body", () => {
  const before = (length: number) => "x".repeat(length - VITE.length) + VITE;
  const check = new TestHostCheck();
  check.answer(403, before(8 * 1024 + VITE.length));
  check.answer(403, "x".repeat(8 * 1024), VITE);
  assertEquals(check.told, []);
  check.answer(403, before(8 * 1024));
  assertEquals(check.told.length, 1);
});

Deno.test("HostCheck names --host-header where that helps or hurts, by what the client was started with", () => {
  const asItIs = new TestHostCheck();
  asItIs.answer(403, SIGNATURE);
  assertEquals(asItIs.told, []);
  asItIs.answer(403, VITE);
  assertStringIncludes(asItIs.told[0] ?? "", "--host-header rewrite");

  const replaced = new TestHostCheck({ isHostReplaced: true });
  replaced.answer(403, VITE);
  assertEquals(replaced.told, []);
  replaced.answer(403, SIGNATURE);
  assertStringIncludes(replaced.told[0] ?? "", "without --host-header");
});

/** A check whose advice is kept as the owner reads it. */
class TestHostCheck extends HostCheck {
  readonly told: string[];

  constructor({ isHostReplaced = false } = {}) {
    const told: string[] = [];
    super({ isHostReplaced, onRefused: (advice) => told.push(advice(PUBLIC_URL)) });
    this.told = told;
  }

  /** Lets it see a whole answer. */
  answer(status: number, ...pieces: readonly string[]): void {
    const look = this.look(status);
    for (const piece of pieces) look?.see(toBytes(piece));
  }
}
