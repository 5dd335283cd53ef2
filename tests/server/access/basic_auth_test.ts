import { assert, assertEquals } from "@std/assert";
import { encodeBase64 } from "@std/encoding/base64";
import { BasicAuth, type BasicAuthOptions } from "../../../lib/server/access/basic_auth.ts";
import { GuessQueue } from "../../../lib/server/access/guess_queue.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { authorization, passwordHash } from "../../testing/password.ts";
import { within } from "../../testing/within.ts";

/** What is asked of the visitors of one tunnel. */
async function basicAuth(
  user: string,
  password: string,
  options: Partial<BasicAuthOptions> = {},
): Promise<BasicAuth> {
  return new BasicAuth({
    passwords: [await passwordHash(user, password)],
    guesses: new GuessQueue(),
    tunnel: "a",
    owner: "192.0.2.9",
    ...options,
  });
}

/** Asks with credentials and returns the status of the refusal, 200 for none. */
async function ask(auth: BasicAuth, credentials: string, address = VISITOR): Promise<number> {
  const checked = auth.check({ address, fields: [authorization(credentials)] });
  return (await within(Promise.resolve(checked), "a verdict"))?.status ?? 200;
}

/** Returns the status where no promise is needed for it. */
function askNow(auth: BasicAuth, field: string): number | "later" {
  const checked = auth.check({ address: VISITOR, fields: [["authorization", field]] });
  return checked instanceof Promise ? "later" : checked?.status ?? 200;
}

const VISITOR = "203.0.113.9";

Deno.test("BasicAuth lets in who knows user and password, and nobody else", async () => {
  const auth = await basicAuth("ann", "s3:cret");
  for (
    const wrong of ["ann:s3", "ann:s3:cret ", "ann:", "bob:s3:cret", ":s3:cret", "ann:S3:CRET"]
  ) {
    assertEquals(await ask(auth, wrong), 401, wrong);
  }
  assertEquals(await ask(auth, "ann:s3:cret"), 200);
  assertEquals(await ask(auth, "ann:s3"), 401);
});

Deno.test("BasicAuth lets in several users, each by the own password alone", async () => {
  const passwords = [await passwordHash("ann", "one"), await passwordHash("bob", "two")];
  const auth = await basicAuth("", "", { passwords });
  const statuses: Readonly<Record<string, number>> = {
    "ann:one": 200,
    "bob:two": 200,
    "ann:two": 401,
    "bob:one": 401,
    "eve:one": 401,
  };
  for (const [credentials, status] of Object.entries(statuses)) {
    assertEquals(await ask(auth, credentials), status, credentials);
  }
  // Both are known again at once.
  for (const credentials of ["ann:one", "bob:two"]) {
    assertEquals(askNow(auth, `Basic ${encodeBase64(credentials)}`), 200);
  }
});

Deno.test("BasicAuth takes UTF-8 and an empty password", async () => {
  assertEquals(
    await ask(await basicAuth("jürgen", "пароль"), "jürgen:пароль"),
    200,
  );
  assertEquals(await ask(await basicAuth("ann", ""), "ann:"), 200);
});

Deno.test("BasicAuth asks for credentials where there are none, or what is none, without any work", async () => {
  const auth = await basicAuth("ann", "secret");
  const right = encodeBase64("ann:secret");
  const none = auth.check({ address: VISITOR, fields: [["host", "a.test"]] });
  assert(none !== null && !(none instanceof Promise));
  assertEquals([none.status, none.fields], [401, [
    ["www-authenticate", 'Basic realm="tunnel", charset="UTF-8"'],
  ]]);
  for (
    const field of [
      "",
      "Basic",
      "Basic ",
      `Bearer ${right}`,
      right,
      `Basic ${right}, Basic ${right}`,
      `Basic ${right} x`,
      `Basic ${right.slice(0, -1)}!`,
      "Basic YTpi=",
      "Basic YTpi==",
      "Basic YTpiY",
      "Basic YTpiYw=",
      "Basic YTpiY2Q==",
      `Basic ${encodeBase64("ann")}`,
      `Basic ${encodeBase64("ann:secret\n")}`,
      // HMAC, and so PBKDF2, would not tell these two from the right one.
      `Basic ${encodeBase64("ann:secret\0")}`,
      `Basic ${encodeBase64("ann:secret\0\0")}`,
      `Basic ${encodeBase64(`ann:${"x".repeat(10_000)}`)}`,
    ]
  ) assertEquals(askNow(auth, field), 401, field.slice(0, 40));
});

Deno.test("BasicAuth knows right credentials again at once, however they are written", async () => {
  const auth = await basicAuth("ann", "secret");
  const right = encodeBase64("ann:secret");
  assertEquals(askNow(auth, `Basic ${right}`), "later");
  assertEquals(await ask(auth, "ann:secret"), 200);
  for (const field of [`Basic ${right}`, `basic ${right}`, `BASIC   ${right}`]) {
    assertEquals(askNow(auth, field), 200, field);
  }
});

Deno.test("BasicAuth checks the same guess once for all who make it meanwhile", async () => {
  const auth = await basicAuth("ann", "secret");
  const statuses = await Promise.all(Array.from({ length: 50 }, () => ask(auth, "ann:secret")));
  assertEquals(new Set(statuses), new Set([200]));
});

Deno.test("BasicAuth lets eight guesses wait, answers 429 to more, and takes others later", async () => {
  const auth = await basicAuth("ann", "secret");
  const waiting = Array.from({ length: 8 }, (_, i) => ask(auth, `ann:wrong${i}`));
  const more = auth.check({ address: VISITOR, fields: [authorization("ann:another")] });
  assert(more !== null && !(more instanceof Promise));
  assertEquals([more.status, more.fields], [429, [["retry-after", "1"]]]);
  assertEquals(await Promise.all(waiting), new Array(8).fill(401));
  assertEquals(await ask(auth, "ann:another"), 401);
});

Deno.test("BasicAuth lets the known in while others guess", async () => {
  const auth = await basicAuth("ann", "secret");
  assertEquals(await ask(auth, "ann:secret"), 200);
  const guesses = Array.from({ length: 20 }, (_, i) => ask(auth, `ann:wrong${i}`));
  assertEquals(askNow(auth, `Basic ${encodeBase64("ann:secret")}`), 200);
  assertEquals(new Set(await Promise.all(guesses)), new Set([401, 429]));
});

Deno.test("BasicAuth lets no more than 256 wait for one guess", async () => {
  const auth = await basicAuth("ann", "secret");
  const asked = Array.from({ length: 300 }, () => ask(auth, "ann:secret"));
  const statuses = await Promise.all(asked);
  assertEquals(statuses.filter((status) => status === 200).length, 256);
  assertEquals(statuses.filter((status) => status === 429).length, 44);
});

Deno.test("BasicAuth checks the guesses at one tunnel beside another's: those wait for one of them, not for all", async () => {
  const guesses = new GuessQueue();
  const guessed = await basicAuth("ann", "secret", { guesses });
  const other = await basicAuth("bob", "secret", { guesses, tunnel: "b" });
  const ended: string[] = [];
  const guessing = Array.from({ length: 8 }, async (_, i) => {
    assertEquals(await ask(guessed, `ann:wrong${i}`), 401);
    ended.push("guess");
  });
  const visitor = ask(other, "bob:secret").then((status) => {
    assertEquals(status, 200);
    ended.push("visitor");
  });
  await Promise.all([...guessing, visitor]);
  assertEquals(ended.indexOf("visitor"), 1, ended.join());
});

Deno.test("BasicAuth lets a login pass five tunnels of 60 connections each at which somebody else guesses", async () => {
  // However slow the machine is, no guess waits for too long.
  using _clock = new FakeClock();
  const guesses = new GuessQueue();
  const password = await passwordHash("ann", "secret");
  const guessed = Array.from(
    { length: 300 },
    (_, i) =>
      new BasicAuth({ passwords: [password], guesses, tunnel: `${i % 5}`, owner: "192.0.2.9" }),
  );
  const login = await basicAuth("bob", "secret", { guesses, tunnel: "b", owner: "192.0.2.8" });
  const ended: string[] = [];
  const guessing = guessed.map(async (auth, i) => {
    const status = await ask(auth, `ann:wrong${i}`);
    if (status === 401) ended.push("guess");
    return status;
  });
  const visitor = ask(login, "bob:secret", "203.0.113.8").then((status) => {
    assertEquals(status, 200);
    ended.push("login");
  });
  const [statuses] = await Promise.all([Promise.all(guessing), visitor]);
  assertEquals(ended.indexOf("login"), 1, ended.join());
  // Five tunnels have eight places each; the rest was told to come again.
  assertEquals(statuses.filter((status) => status === 429).length, 260);
});
