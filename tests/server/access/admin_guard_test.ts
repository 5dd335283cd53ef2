import { assertEquals } from "@std/assert";
import { AdminGuard } from "../../../lib/server/access/admin_guard.ts";
import type { VisitRefusal } from "../../../lib/server/tunnels/upstream.ts";

const TOKEN = "correct-horse";

Deno.test("AdminGuard.refusal is null for the token, however the scheme is written", async () => {
  const { asked } = guard();
  for (const scheme of ["Bearer", "bearer", "BEARER", "Bearer  "]) {
    assertEquals(await asked(`${scheme} ${TOKEN}`), null, scheme);
  }
});

Deno.test("AdminGuard.refusal asks with 401 for a token where there is none", async (t) => {
  const wrong = [undefined, "", "Bearer", "Bearer ", TOKEN, `Basic ${TOKEN}`, `Bearer a ${TOKEN}`];
  for (const authorization of wrong) {
    await t.step(String(authorization), async () => {
      const refusal = await guard().asked(authorization);
      assertEquals(refusal?.status, 401);
      assertEquals(refusal?.fields, [["www-authenticate", 'Bearer realm="tunnel"']]);
    });
  }
});

Deno.test("AdminGuard.refusal says that a token is not the one (RFC 6750 section 3.1)", async (t) => {
  const wrong = ["x", TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase()];
  for (const token of wrong) {
    await t.step(token, async () => {
      const refusal = await guard().asked(`Bearer ${token}`);
      assertEquals(refusal?.status, 401);
      assertEquals(refusal?.fields, [
        ["www-authenticate", 'Bearer realm="tunnel", error="invalid_token"'],
      ]);
    });
  }
});

Deno.test("AdminGuard takes a token of other letters as the UTF-8 that a shell sends", async () => {
  const { asked } = guard("schlüssel");
  const bytes = new TextEncoder().encode("schlüssel");
  assertEquals(await asked(`Bearer ${String.fromCharCode(...bytes)}`), null);
});

Deno.test("AdminGuard does not look at a token of more than 4,096 characters", async () => {
  const token = "x".repeat(4097);
  const { asked } = guard(token);
  assertEquals(status(await asked(`Bearer ${token}`)), 401);
  assertEquals(status(await asked("Bearer wrong")), 401, "and goes on with others");
});

Deno.test("AdminGuard does not look for a token behind thousands of blanks", async () => {
  const { asked } = guard();
  assertEquals(await asked(`Bearer${" ".repeat(30)}${TOKEN}`), null);
  assertEquals(status(await asked(`Bearer${" ".repeat(5000)}${TOKEN}`)), 401);
});

Deno.test("AdminGuard lets an address guess ten times a second, and then not even rightly", async () => {
  const { asked, clock } = guard();
  const guesses = Array.from({ length: 12 }, () => asked("Bearer wrong"));
  assertEquals(
    // Digests are made side by side, so which of them come last is nobody's choice.
    (await Promise.all(guesses)).map(status).toSorted(),
    [...Array(10).fill(401), 429, 429],
    "guesses sent at once are counted too",
  );
  const refusal = await asked(`Bearer ${TOKEN}`);
  assertEquals([refusal?.status, refusal?.fields], [429, [["retry-after", "1"]]]);
  assertEquals(await asked(`Bearer ${TOKEN}`, "192.0.2.2"), null, "others are not held up");
  clock.now += 999;
  assertEquals(status(await asked(`Bearer ${TOKEN}`)), 429);
  clock.now += 1;
  assertEquals(await asked(`Bearer ${TOKEN}`), null);
});

Deno.test("AdminGuard counts neither the right token nor a missing one as a guess", async () => {
  const { asked } = guard();
  for (let i = 0; i < 20; i++) {
    assertEquals(await asked(`Bearer ${TOKEN}`), null);
    assertEquals(status(await asked(undefined)), 401);
  }
});

Deno.test("AdminGuard takes the addresses of one IPv6 network for one visitor", async () => {
  const { asked } = guard();
  for (let i = 0; i < 10; i++) await asked("Bearer wrong", `2001:db8:0:1::${i}`);
  assertEquals(status(await asked("Bearer wrong", "2001:db8:0:1:ffff::1")), 429);
  assertEquals(status(await asked("Bearer wrong", "2001:db8:0:2::1")), 401);
});

Deno.test("AdminGuard remembers 1,000 networks that guessed, and lets no new one try meanwhile", async () => {
  const { asked, clock } = guard();
  for (let i = 0; i < 1000; i++) {
    await asked("Bearer wrong", `10.0.${Math.floor(i / 250)}.${i % 250}`);
  }
  assertEquals(status(await asked(`Bearer ${TOKEN}`, "192.0.2.1")), 429);
  assertEquals(status(await asked("Bearer wrong", "10.0.0.0")), 401, "one that is remembered");
  clock.now += 1000;
  assertEquals(await asked(`Bearer ${TOKEN}`, "192.0.2.1"), null);
});

function guard(token = TOKEN) {
  const clock = { now: 0 };
  const made = new AdminGuard(token, () => clock.now);
  const asked = (authorization: string | undefined, address = "192.0.2.1") =>
    made.refusal({
      address,
      fields: authorization === undefined ? [] : [["authorization", authorization]],
    });
  return { asked, clock };
}

function status(refusal: VisitRefusal | null): number | undefined {
  return refusal?.status;
}
