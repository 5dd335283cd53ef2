import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Balancer } from "./balancer.ts";
import type { SigningKey } from "../../lib/identity/key.ts";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { proveToken } from "../../lib/identity/token_proof.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { type EndedProgram, runToEnd } from "../testing/ended_program.ts";
import { eventually } from "../testing/eventually.ts";
import { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { type Members, membersOf, Subscriber } from "../testing/subscriber.ts";
import { ScriptedServer } from "../testing/scripted_server.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startTunnel, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TOKEN = "correct horse battery staple";

Deno.test("A server that is open to everybody says so once, as a warning", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using open = await startTunnel({ origin });
  await open.server.stderr.find(/"warn"/);
  const warnings = open.server.stderr.all.filter((line) => line.includes('"warn"'));
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0] ?? "", /everybody .*--token.*--authorized-keys/);
  await using closed = await startServer(["--token", TOKEN]);
  assert(!`${closed.stderr}`.includes("everybody"));
});

Deno.test("A token lets in who has it and refuses the others for good, and is never told", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer(["--token", TOKEN, "--log-level", "debug"]);
  const args = [
    ...["--server", server.url.origin, "--key", `${folder.path}/key`, "--connections", "1"],
    `${origin.port}`,
  ];
  await t.step("none", async () => {
    refusedForGood(await runToEnd("client.ts", args), "this server wants a token (--token)");
  });
  await t.step("another, though it begins like it", async () => {
    const ended = await runToEnd("client.ts", [...args, "--token", TOKEN.slice(0, -1)]);
    refusedForGood(ended, "the token is not this server's");
    assert(!ended.stderr.includes(TOKEN.slice(0, -1)), ended.stderr);
  });
  assertEquals(await refusalsOf(server, "bad_token"), 2);
  await t.step("the right one, from the environment", async () => {
    const env = { TUNNEL_TOKEN: TOKEN };
    await using client = await Program.start("client.ts", args, { env });
    assert(client.url.hostname.endsWith(".localhost"));
  });
  assert(!`${server.stderr}`.includes("battery"), "a token in the log");
});

Deno.test("The proof of a token is worth nothing with another claim, challenge or key", async (t) => {
  await using server = await startServer(["--token", TOKEN]);
  const key = await newSigningKey();
  const [jws, proof] = await recorded(server, key);
  const attempts: Record<string, (peer: Subscriber) => Promise<[string, unknown]>> = {
    "a recorded proof with a new claim": async (peer) => [await peer.claim(key), proof],
    "a recorded proof with another's claim": async (peer) => [
      await peer.claim(await newSigningKey()),
      proof,
    ],
    "the token itself": async (peer) => [await peer.claim(key), TOKEN],
    "an empty proof": async (peer) => [await peer.claim(key), ""],
    "no proof": async (peer) => [await peer.claim(key), undefined],
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    await t.step(name, async () => {
      using peer = await Subscriber.connect(server);
      assertEquals(errorOf(await peer.answer(...await attempt(peer))).code, "bad_token");
    });
  }
  await t.step("both recorded", async () => {
    using peer = await Subscriber.connect(server);
    await peer.nonce();
    assertEquals(errorOf(await peer.answer(jws, proof)).code, "wrong_nonce");
  });
  await t.step("a proof that is no text", async () => {
    using peer = await Subscriber.connect(server);
    assertEquals(errorOf(await peer.answer(await peer.claim(key), [proof])).code, "malformed");
  });
  await t.step("and its own proof with each claim", async () => {
    using peer = await Subscriber.connect(server);
    const claim = await peer.claim(key);
    assertEquals((await peer.answer(claim, await proveToken(TOKEN, claim))).error, undefined);
  });
});

Deno.test("A server that passes on another's challenge gets a claim and a proof that are for itself alone", async () => {
  await using folder = await TempDir.make();
  await using server = await startServer(["--token", TOKEN]);
  await using relay = await ScriptedServer.start();
  const victim = runToEnd("client.ts", [
    ...["--server", `http://127.0.0.1:${relay.port}`, "--key", `${folder.path}/key`],
    ...["--token", TOKEN, "--connections", "1", "--once"],
  ]);
  const client = await relay.next();
  using peer = await Subscriber.connect(server);
  const challenge = { nonce: await peer.nonce(), server: "relay/1", limits: { streams: 1 } };
  client.send(FrameType.RegistrationChallenge, { payload: JSON.stringify(challenge) });
  const { jws, proof } = membersOf(await client.next(FrameType.RegistrationRequest));
  const { code, message } = errorOf(await peer.answer(String(jws), proof));
  assertEquals(code, "wrong_audience");
  assertStringIncludes(message, `http://127.0.0.1:${relay.port}`);
  client.send(FrameType.Disconnect, { payload: new Uint8Array([0, 0, 0]) });
  assertEquals((await victim).code, 1);
});

Deno.test("A client that was told a port which only leads to the server is refused, and told the server's URL", async () => {
  await using folder = await TempDir.make();
  await using server = await startServer();
  await using forward = Balancer.start([Number(server.url.port)]);
  for (const name of ["127.0.0.1", "localhost"]) {
    const { code, stderr } = await runToEnd("client.ts", [
      ...["--server", `http://${name}:${forward.port}`, "--key", `${folder.path}/key`, "--once"],
    ]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, server.url.origin);
  }
});

Deno.test("--authorized-keys lets in the keys that --show-key shows, and names the one that it refuses", async () => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  const [friend, stranger] = [await keyIn(folder, "friend"), await keyIn(folder, "stranger")];
  const list = `${folder.path}/authorized_keys`;
  await Deno.writeTextFile(list, `# the only one\n${friend.thumbprint}\n`);
  await using server = await startServer(["--authorized-keys", list]);
  const args = ["--server", server.url.origin, "--connections", "1", `${origin.port}`];
  await using client = await Program.start("client.ts", [...args, "--key", friend.file]);
  assertEquals(client.stdout.all.length, 1);
  const ended = await runToEnd("client.ts", [...args, "--key", stranger.file]);
  refusedForGood(ended, `the key with the thumbprint ${stranger.thumbprint} is not authorized`);
  await within(server.stderr.find(/"not_authorized"/), "a word of it");
  assertStringIncludes(`${server.stderr}`, stranger.thumbprint);
  assertStringIncludes(`${server.stderr}`, '"not_authorized"');
  assertEquals(await refusalsOf(server, "not_authorized"), 1);
});

Deno.test("A list of keys that cannot be read, or has a bad line, ends the start with status 2", async () => {
  await using folder = await TempDir.make();
  const list = `${folder.path}/authorized_keys`;
  const start = () => runToEnd("server.ts", ["--port", "0", "--authorized-keys", list]);
  const missing = await start();
  assertEquals([missing.code, missing.stdout], [2, ""]);
  assertMatch(
    missing.stderr,
    /^deno run -A server\.ts: cannot read .*authorized_keys: .*no such file\n$/,
  );
  await Deno.writeTextFile(list, "# fine\n\nssh-ed25519 AAAA me@host\n");
  const wrong = await start();
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertMatch(
    wrong.stderr,
    /^deno run -A server\.ts: .*authorized_keys, line 3: "ssh-ed25519" is not .*\n$/,
  );
});

Deno.test({
  name:
    "SIGHUP reads the list of keys again: who is no longer in it has to go, who is new comes in",
  ignore: Deno.build.os === "windows",
  fn: async (t) => {
    await using folder = await TempDir.make();
    await using origin = ScriptedOrigin.answering(OK);
    const [first, second] = [await keyIn(folder, "first"), await keyIn(folder, "second")];
    const list = `${folder.path}/authorized_keys`;
    await Deno.writeTextFile(list, first.thumbprint);
    await using server = await startServer(["--authorized-keys", list]);
    const args = ["--server", server.url.origin, `${origin.port}`];
    await using leaver = await Program.start("client.ts", [...args, "--key", first.file]);
    await t.step("a bad line leaves the old list in force and is told", async () => {
      await Deno.writeTextFile(list, `${second.thumbprint}\nrubbish\n`);
      server.signal("SIGHUP");
      const told = await within(server.stderr.find(/the old authorized keys stay/), "a word of it");
      assertMatch(told?.input ?? "", /authorized_keys, line 2: /);
      const ended = await runToEnd("client.ts", [...args, "--key", second.file]);
      refusedForGood(ended, "is not authorized here");
    });
    await t.step("another list", async () => {
      await Deno.writeTextFile(list, second.thumbprint);
      server.signal("SIGHUP");
      await within(server.stderr.find(/the authorized keys were read again/), "a word of it");
      assertEquals((await within(leaver.status, "the end of the first client")).code, 1);
      await leaver.stderr.ended;
      assertMatch(`${leaver.stderr}`, /not connected to .*: not_authorized: /);
      assertStringIncludes(`${leaver.stderr}`, `${first.thumbprint} is not authorized here`);
    });
    await t.step(
      "what a key may have holds for who is connected, and so does its end",
      async () => {
        await using newcomer = await Program.start("client.ts", [...args, "--key", second.file]);
        await using tunnel = new Tunnel(server, newcomer, new AsyncDisposableStack());
        const post = async () =>
          (await tunnel.request("/", { method: "POST", body: "12345" })).status;
        assertEquals(await post(), 200);
        const reload = async (line: string, keys: number) => {
          await Deno.writeTextFile(list, line);
          server.signal("SIGHUP");
          const said = new RegExp(`read again.*"keys":${keys},`);
          await within(server.stderr.find(said), "a word of it");
        };
        await reload(`${second.thumbprint} max-body=4b # for a day\n${first.thumbprint}`, 2);
        assertEquals(await post(), 413);
        await Deno.writeTextFile(list, `${second.thumbprint} expires=2020-01-01`);
        server.signal("SIGHUP");
        assertEquals((await within(newcomer.status, "the end of the client")).code, 1);
        await newcomer.stderr.ended;
        assertStringIncludes(`${newcomer.stderr}`, `${second.thumbprint} is up here`);
      },
    );
  },
});

Deno.test("--registration-rate refuses an address before it looks at what it sends, and no other address", async () => {
  await using server = await startServer([
    ...["--registration-rate", "3/h", "--trust-proxy", "loopback"],
  ]);
  const codes = async (address: string, registration: string) => {
    using peer = await Subscriber.connect(server, { "x-forwarded-for": address });
    await peer.nonce();
    return errorOf(await peer.answer(registration));
  };
  for (let i = 0; i < 3; i++) {
    assertEquals((await codes("192.0.2.1", "rubbish")).code, "malformed");
  }
  for (let i = 0; i < 20; i++) {
    const { code, permanent, message } = await codes("192.0.2.1", "rubbish");
    assertEquals([code, permanent], ["try_again", false]);
    assertMatch(
      message,
      /too many registrations from 192\.0\.2\.1; the next may come in 1[12]\d\d s/,
    );
  }
  assertEquals((await codes("192.0.2.2", "rubbish")).code, "malformed");
  assertEquals((await codes("6.6.6.6, 192.0.2.2", "rubbish")).code, "malformed");
  assertEquals((await codes("192.0.2.1, 192.0.2.2", "rubbish")).code, "malformed");
  assertEquals((await codes("192.0.2.3, 192.0.2.2", "rubbish")).code, "try_again");
  assertEquals(await refusalsOf(server, "try_again"), 21);
});

Deno.test("connections that do not register take no more than 16 places from one IPv6 network, and 64 in all", async () => {
  await using server = await startServer(["--trust-proxy", "loopback"]);
  using held = new DisposableStack();
  const from = (address: string) => Subscriber.connect(server, { "x-forwarded-for": address });
  for (let i = 0; i < 16; i++) held.use(await from(`2001:db8:1:2::${i}`));
  await assertRejects(() => from("2001:db8:1:2:ffff::1"), Error, "503");
  for (let i = 1; i <= 48; i++) held.use(await from(`192.0.2.${i}`));
  await assertRejects(() => from("192.0.2.100"), Error, "503");
  held.dispose();
  await eventually("room for the network", async () => {
    using _peer = await from("2001:db8:1:2:ffff::1");
    return true;
  });
});

Deno.test("--max-tunnels and --max-connections refuse for now what is too much, and take it when there is room", async (t) => {
  await using server = await startServer(["--max-tunnels", "2", "--max-connections", "2"]);
  const key = await newSigningKey();
  using first = await registered(server, key);
  await t.step("a second connection of the same key joins the first", async () => {
    using _second = await registered(server, key);
    assertEquals((await scrape(server)).value("tunnel_connections"), 2);
    const { code, permanent, message } = await refusal(server, key);
    assertEquals([code, permanent], ["try_again", false]);
    assertStringIncludes(message, "2 connections");
  });
  await eventually("room for the key", async () => {
    using peer = await Subscriber.connect(server);
    return (await peer.answer(await peer.claim(key))).error === undefined;
  });
  using _other = await registered(server, await newSigningKey());
  const { code, permanent, message } = await refusal(server, await newSigningKey());
  assertEquals([code, permanent], ["try_again", false]);
  assertStringIncludes(message, "tunnels");
  first[Symbol.dispose]();
  await eventually("room for a tunnel", async () => {
    using peer = await Subscriber.connect(server);
    return (await peer.answer(await peer.claim(await newSigningKey()))).error === undefined;
  });
});

Deno.test("No wish gives a client the hostname of another key", async () => {
  await using server = await startServer();
  const [owner, thief] = [await newSigningKey(), await newSigningKey()];
  using peer = await Subscriber.connect(server);
  const { id, hostnames } = await peer.answer(await peer.claim(owner));
  using other = await Subscriber.connect(server);
  const claim = await other.claim(thief, { name: String(id) });
  assertEquals(errorOf(await other.answer(claim)).code, "bad_name");
  using third = await Subscriber.connect(server);
  const own = await third.answer(await third.claim(thief, { label: "x" }));
  assert(own.error === undefined && own.id !== id);
  assert(JSON.stringify(own.hostnames) !== JSON.stringify(hostnames));
});

Deno.test("A server confirms a visitor policy, and refuses one that cannot be checked", async () => {
  await using server = await startServer();
  const key = await newSigningKey();
  using plain = await Subscriber.connect(server);
  assertEquals((await plain.answer(await plain.claim(key))).policy, undefined);
  using guarded = await Subscriber.connect(server);
  const policy = { ...OPEN_POLICY, allowIp: ["10.0.0.0/8"] };
  assertEquals((await guarded.answer(await guarded.claim(key, { policy }))).policy, true);
  using wrong = await Subscriber.connect(server);
  const jws = await wrong.claim(key, { policy: { ...OPEN_POLICY, allowIp: ["1.2.3"] } });
  assertEquals(errorOf(await wrong.answer(jws)).code, "bad_policy");
});

function refusedForGood({ code, stdout, stderr }: EndedProgram, reason: string): void {
  assertEquals([code, stdout], [1, ""], stderr);
  assertStringIncludes(stderr, "deno run -A client.ts: the server refused: ");
  assertStringIncludes(stderr, reason);
}

async function refusalsOf(server: Program, code: string): Promise<number> {
  return (await scrape(server)).value("tunnel_registrations_refused_total", { code });
}

/** Makes a key as the client does, and asks the client for its thumbprint. */
async function keyIn(
  folder: TempDir,
  name: string,
): Promise<{ readonly file: string; readonly thumbprint: string }> {
  const file = `${folder.path}/${name}`;
  const { code, stdout, stderr } = await runToEnd("client.ts", ["--key", file, "--show-key"]);
  assertEquals(code, 0);
  assertMatch(stderr, /^\S+ made the key \S+: keep a copy, [^\n]+\n$/);
  assertMatch(stdout, /^[A-Za-z0-9_-]{43}\n$/);
  return { file, thumbprint: stdout.trimEnd() };
}

/** Registers, and returns what an eavesdropper has then. */
async function recorded(server: Program, key: SigningKey): Promise<[string, string]> {
  using peer = await Subscriber.connect(server);
  const jws = await peer.claim(key);
  const proof = await proveToken(TOKEN, jws);
  assertEquals((await peer.answer(jws, proof)).error, undefined);
  return [jws, proof];
}

async function registered(server: Program, key: SigningKey): Promise<Subscriber> {
  const peer = await Subscriber.connect(server);
  assertEquals((await peer.answer(await peer.claim(key))).error, undefined);
  return peer;
}

async function refusal(server: Program, key: SigningKey): Promise<Refused> {
  using peer = await Subscriber.connect(server);
  const error = errorOf(await peer.answer(await peer.claim(key)));
  await peer.disconnected();
  return error;
}

interface Refused {
  readonly code: unknown;
  readonly permanent: unknown;
  readonly message: string;
}

function errorOf({ error }: Members): Refused {
  assert(typeof error === "object" && error !== null);
  assert("code" in error && "permanent" in error && "message" in error);
  return { code: error.code, permanent: error.permanent, message: String(error.message) };
}
