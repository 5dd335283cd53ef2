import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { BasicAuth } from "../../../lib/server/access/basic_auth.ts";
import { GuessQueue } from "../../../lib/server/access/guess_queue.ts";
import { Login, LOGIN_PATH } from "../../../lib/server/access/login.ts";
import { LoginCookie } from "../../../lib/server/access/login_cookie.ts";
import type { Asking, VisitRefusal } from "../../../lib/server/tunnels/upstream.ts";
import { type Field, fieldValue } from "../../../lib/http/fields.ts";
import type { PasswordHash } from "../../../lib/identity/password_hash.ts";
import { asking } from "../../testing/asking.ts";
import { requestHead } from "../../testing/fake_incoming.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { authorization, passwordHash } from "../../testing/password.ts";
import { within } from "../../testing/within.ts";

const HTML: Field = ["accept", "text/html,*/*;q=0.8"];
const PASSWORDS = [await passwordHash("ann", "one"), await passwordHash("zoë", "two")];

interface Setting {
  readonly tunnel?: string;
  readonly passwords?: readonly PasswordHash[];
  readonly isSecure?: boolean;
}

function login({ tunnel = "a", passwords = PASSWORDS, isSecure = true }: Setting = {}) {
  const auth = new BasicAuth({ passwords, guesses: new GuessQueue(), tunnel, owner: "192.0.2.9" });
  const cookie = new LoginCookie({ tunnel, passwords, isSecure });
  const page = new Login({ auth, cookie, isOwnHost: (host) => host === "app.example" });
  const ask = async (given: Partial<Asking>): Promise<VisitRefusal | null> =>
    await within(Promise.resolve(page.check(asking(given))), "a verdict");
  return { page, cookie, ask };
}

/** A form that a page sends. */
function submitted(values: Record<string, string>, others: readonly Field[] = []): Partial<Asking> {
  const bytes = new TextEncoder().encode(`${new URLSearchParams(values)}`);
  const fields: readonly Field[] = [
    ["content-type", "application/x-www-form-urlencoded"],
    ["content-length", `${bytes.length}`],
    ...others,
  ];
  let isRead = false;
  return {
    ...{ method: "POST", target: LOGIN_PATH, fields },
    readBody: () => ({
      read() {
        if (isRead) return Promise.resolve({ done: true });
        isRead = true;
        return Promise.resolve({ done: false, value: bytes });
      },
      cancel: () => Promise.resolve(),
    }),
  };
}

/** Logs in and returns the cookie as a browser sends it. */
async function cookieOf(made: ReturnType<typeof login>, user = "ann", password = "one") {
  const answer = await made.ask(submitted({ user, password }));
  const set = fieldValue(answer?.fields ?? [], "set-cookie") ?? "";
  return set.slice(0, set.indexOf(";"));
}

Deno.test("Login shows a page to browsers, and asks programs for Basic", async () => {
  const { ask } = login();
  const page = await ask({ target: "/orders?a=b", fields: [HTML] });
  assertEquals(page?.login, { action: LOGIN_PATH, wanted: "/orders?a=b" });
  assertEquals([page?.status, page?.code], [401, "auth"]);
  assertEquals(fieldValue(page?.fields ?? [], "www-authenticate"), 'Form realm="tunnel"');
  for (
    const given of [{}, { method: "POST", fields: [HTML] }, { host: "x.test", fields: [HTML] }]
  ) {
    const refusal = await ask(given);
    assertEquals([refusal?.status, refusal?.login], [401, undefined]);
    assertMatch(fieldValue(refusal?.fields ?? [], "www-authenticate") ?? "", /^Basic /);
  }
});

Deno.test("Login gives a cookie for the right password, and sends to what was wanted", async () => {
  const made = login();
  const answer = await made.ask(submitted({ user: "zoë", password: "two", to: "/orders?a=b" }));
  assertEquals([answer?.status, answer?.code], [303, "login"]);
  assertEquals(fieldValue(answer?.fields ?? [], "location"), "/orders?a=b");
  assertMatch(
    fieldValue(answer?.fields ?? [], "set-cookie") ?? "",
    /^__Host-tunnel-login=[\w.-]+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure$/,
  );
  const plain = await cookieOf(login({ isSecure: false }));
  assert(plain.startsWith("tunnel-login="), plain);
  for (const wrong of [{ user: "zoë", password: "one" }, { user: "eve", password: "two" }, {}]) {
    const refusal = await made.ask(submitted({ ...wrong, to: "/x" }));
    assertEquals([refusal?.status, refusal?.login?.wanted], [401, "/x"]);
    assertEquals(fieldValue(refusal?.fields ?? [], "set-cookie"), undefined);
  }
});

Deno.test("Login lets in who has the cookie, in this tunnel alone, and no more once the password is another", async () => {
  const made = login();
  const cookie = await cookieOf(made);
  const asks = async (other: ReturnType<typeof login>, value = cookie) =>
    (await other.ask({ fields: [["cookie", value]] }))?.status ?? 200;
  assertEquals(await asks(made), 200);
  assertEquals(await asks(made, `a=b; ${cookie}; c=d`), 200);
  // Another node, or the same after a restart.
  assertEquals(await asks(login()), 200);
  assertEquals(await asks(login({ tunnel: "b" })), 401);
  assertEquals(await asks(login({ passwords: PASSWORDS.slice(1) })), 401);
  assertEquals(await asks(login({ passwords: [await passwordHash("ann", "new")] })), 401);
  assertEquals(await asks(login({ isSecure: false })), 401);
});

Deno.test("Login refuses a cookie that was changed in any place, or lasts no longer", async () => {
  using clock = new FakeClock();
  const made = login();
  const cookie = await cookieOf(made);
  const isIn = (value: string) => made.cookie.isIn([["cookie", value]]);
  const start = cookie.indexOf("=") + 1;
  for (let at = start; at < cookie.length; at++) {
    const other = cookie[at] === "A" ? "B" : "A";
    assertEquals(isIn(cookie.slice(0, at) + other + cookie.slice(at + 1)), false, `${at}`);
  }
  const [expires = "", user = "", signature = ""] = cookie.slice(start).split(".");
  const bob = btoa("bob").replaceAll("=", "");
  for (
    const value of [
      ...[
        "",
        ".",
        "..",
        `${expires}.${user}.`,
        `${expires}..${signature}`,
        `.${user}.${signature}`,
      ],
      ...[`${expires}.${bob}.${signature}`, `${Number(expires) + 1}.${user}.${signature}`],
      ...[`${expires}.${user}.${signature}=`, `${cookie.slice(start)}.`, "x".repeat(10_000)],
    ]
  ) {
    assertEquals(isIn(cookie.slice(0, start) + value), false, value);
  }
  assertEquals(isIn(cookie), true);
  clock.advance(604_799_000);
  assertEquals(isIn(cookie), true);
  clock.advance(2_000);
  assertEquals(isIn(cookie), false);
});

Deno.test("Login sends nobody to another site", async () => {
  const { ask } = login();
  const away = [
    ...["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/"],
    ...["javascript:alert(1)", "evil.example", "", "/a\r\nSet-Cookie: b", "/\t/evil.example"],
    ...["/\\/evil.example", "/é", `/${"x".repeat(2_000)}`, LOGIN_PATH, `${LOGIN_PATH}?to=/x`],
  ];
  for (const to of away) {
    const answer = await ask(submitted({ user: "ann", password: "one", to }));
    assertEquals(fieldValue(answer?.fields ?? [], "location"), "/", to);
    const query = new URLSearchParams({ to });
    const page = await ask({ target: `${LOGIN_PATH}?${query}`, fields: [HTML] });
    assertEquals(page?.login?.wanted, "/", to);
  }
});

Deno.test("Login takes no form from the page of another site, and none that is not one", async () => {
  const { ask } = login();
  const right = { user: "ann", password: "one" };
  const foreign: readonly (readonly Field[])[] = [
    [["origin", "https://evil.example"]],
    [["origin", "null"]],
    [["origin", "https://app.example.evil.example"]],
    [["sec-fetch-site", "cross-site"]],
    [["sec-fetch-site", "same-site"], ["origin", "https://app.example"]],
  ];
  for (const fields of foreign) {
    assertEquals((await ask(submitted(right, fields)))?.status, 403, JSON.stringify(fields));
  }
  const own: readonly Field[] = [["origin", "https://app.example"], [
    "sec-fetch-site",
    "same-origin",
  ]];
  assertEquals((await ask(submitted(right, own)))?.status, 303);
  const form = submitted(right);
  assertEquals((await ask({ ...form, fields: [["content-length", "20"]] }))?.status, 400);
  assertEquals((await ask(submitted({ ...right, to: `/${"x".repeat(9_000)}` })))?.status, 400);
  assertEquals((await ask({ ...form, method: "PUT" }))?.status, 405);
});

Deno.test("Login lets CORS preflights pass, which have no credentials, and nothing else without", async () => {
  const { ask, page } = login();
  const fields: readonly Field[] = [
    ["origin", "https://app.example"],
    ["access-control-request-method", "PUT"],
  ];
  assertEquals(await ask({ method: "OPTIONS", fields }), null);
  assertEquals((await ask({ method: "OPTIONS" }))?.status, 401);
  assertEquals((await ask({ method: "PUT", fields }))?.status, 401);
  const head = page.headFor(
    requestHead({ method: "OPTIONS", fields: [...fields, ["authorization", "x"]] }),
  );
  assertEquals(head.fields, fields);
});

Deno.test("Login gives the service neither cookie nor password, and Authorization where that is its own", async () => {
  const made = login();
  const cookie = await cookieOf(made);
  const sent = (...fields: readonly Field[]) => made.page.headFor(requestHead({ fields })).fields;
  assertEquals(sent(["cookie", `a=b; ${cookie}`], ["c", "d"]), [["cookie", "a=b"], ["c", "d"]]);
  assertEquals(sent(["cookie", cookie]), []);
  assertEquals(sent(["cookie", cookie], ["authorization", "Bearer x"]), [[
    "authorization",
    "Bearer x",
  ]]);
  assertEquals(sent(["authorization", "Bearer x"]), []);
  const password = authorization("ann:one");
  assertEquals(await made.ask({ fields: [password] }), null);
  assertEquals(sent(["cookie", cookie], password), []);
  assertNotEquals(sent(["cookie", `${cookie}x`]), [["cookie", `${cookie}x`]]);
});

Deno.test("Login has guesses wait as those of Basic do", async () => {
  const { ask } = login();
  const guesses = Array.from(
    { length: 20 },
    (_, i) => ask(submitted({ user: "ann", password: `guess ${i}` })),
  );
  const statuses = (await Promise.all(guesses)).map((refusal) => refusal?.status);
  assert(statuses.includes(429), statuses.join());
  assertEquals(new Set(statuses), new Set([401, 429]));
});
