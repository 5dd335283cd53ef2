import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  forward,
  type HandlerObject,
  OptionError,
  serve,
  type Tunnel,
  TunnelError,
  type TunnelOptions,
} from "../../../lib/mod.ts";
import { TunnelServer } from "../../../lib/server/mod.ts";
import { TempDir } from "../../testing/temp_dir.ts";
import { within } from "../../testing/within.ts";

Deno.test("serve publishes a handler at a server that a test starts in one line", async () => {
  await using server = startServer();
  await using tunnel = await serve(
    { server: server.url },
    ({ method, url }, { tunnel, remoteAddr }) =>
      Response.json([method, new URL(url).pathname, tunnel.id, remoteAddr.hostname]),
  );
  assertEquals(await (await fetch(`${tunnel.url}/page`)).json(), [
    ...["GET", "/page", tunnel.id],
    "127.0.0.1",
  ]);
  assertEquals([tunnel.urls, tunnel.state, tunnel.inspector], [[server.url], "online", null]);
});

Deno.test("serve takes an object with fetch, and what its this is", async () => {
  await using server = startServer();
  class App implements HandlerObject {
    readonly #greeting = "hello from an object";
    fetch(): Response {
      return new Response(this.#greeting);
    }
  }
  await using tunnel = await serve({ server: server.url }, new App());
  assertEquals(await textAt(tunnel), "hello from an object");
});

Deno.test("serve makes a 500 and an event of what a handler throws, and goes on", async () => {
  await using server = startServer();
  const failure = new Error("on purpose");
  await using tunnel = await serve({ server: server.url }, ({ url }) => {
    if (url.endsWith("/bad")) throw failure;
    return new Response("good");
  });
  const heard = Promise.withResolvers<unknown>();
  tunnel.addEventListener("error", ({ error }) => heard.resolve(error));
  const response = await fetch(`${tunnel.url}/bad`);
  assertEquals([response.status, await response.text()], [
    500,
    "The service could not answer this request.\n",
  ]);
  assertEquals(await within(heard.promise, "the event"), failure);
  assertEquals(await textAt(tunnel), "good");
});

Deno.test("A tunnel tells of each request to those who listen, and of its servers", async () => {
  const server = startServer();
  await using tunnel = await serve(
    { server: server.url, connections: 1 },
    () => new Response("ok", { status: 201 }),
  );
  const events = tunnel[Symbol.asyncIterator]();
  await (await fetch(`${tunnel.url}/a?b`, { method: "POST", body: "c" })).text();
  const { value: served } = await within(events.next(), "an event");
  assert(served?.type === "request");
  const { duration, ...request } = served.request;
  assertEquals<unknown>(request, {
    ...{ kind: "http", method: "POST", target: "/a?b", status: 201, outcome: "complete" },
  });
  assert(duration > 0);
  await server.shutdown();
  const { value: lost } = await within(events.next(), "an event");
  assert(lost?.type === "offline");
  assertEquals([lost.server, tunnel.state], [server.url, "offline"]);
  await tunnel.close();
  for await (const event of { [Symbol.asyncIterator]: () => events }) {
    assertEquals(event.type, "notice");
  }
  assertEquals(tunnel.state, "closed");
});

Deno.test("A tunnel that is closed lets what is in flight finish", async () => {
  await using server = startServer();
  const begun = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const tunnel = await serve({ server: server.url }, () => {
    begun.resolve();
    return answer.promise;
  });
  const asked = textAt(tunnel);
  await begun.promise;
  const closing = tunnel.close();
  assertEquals(tunnel.state, "closing");
  answer.resolve(new Response("in time"));
  assertEquals(await asked, "in time");
  await within(closing, "the end of a tunnel");
  await tunnel.closed;
  assertEquals(tunnel.state, "closed");
  await tunnel.close();
});

Deno.test("A signal closes the tunnel, and gives one up that is not online yet", async () => {
  await using server = startServer();
  const stop = new AbortController();
  const tunnel = await serve({ server: server.url, signal: stop.signal }, handler);
  stop.abort();
  await within(tunnel.closed, "the end of a tunnel");
  const reason = new Error("no longer wanted");
  const aborted = AbortSignal.abort(reason);
  const failure = await assertRejects(() =>
    serve({ server: server.url, signal: aborted }, handler)
  );
  assertEquals(failure, reason);
  const later = new AbortController();
  const opening = serve({ server: nowhere(), signal: later.signal }, handler);
  later.abort(reason);
  assertEquals(await assertRejects(() => opening), reason);
});

Deno.test("serve says why a tunnel cannot be published", async () => {
  const unreachable = await assertRejects(
    () => serve({ server: nowhere(), connectTimeout: 200 }, handler),
    TunnelError,
    "cannot reach http://127.0.0.1:1 within 0.2 s",
  );
  assertEquals([unreachable.code, unreachable.refusal], ["unreachable", null]);
  await using server = startServer({ token: "a secret that nobody guesses" });
  const refused = await assertRejects(
    () => serve({ server: server.url, token: "another" }, handler),
    TunnelError,
    "the server refused this tunnel",
  );
  assertEquals([refused.code, refused.refusal], ["refused", "bad_token"]);
});

// The check of what a test leaves behind finds signatures that are still made or looked at.
for (const connections of [2, 4, 8, 16]) {
  Deno.test(`serve that is refused on ${connections} connections leaves nothing behind`, async () => {
    await using server = startServer({ token: "a secret that nobody guesses" });
    const options = { server: server.url, token: "another", connections };
    await assertRejects(() => serve(options, handler), TunnelError);
  });
}

Deno.test("serve keeps an address by its key: a file that is made, its text, a key pair", async () => {
  await using server = startServer({ fixed: false });
  await using folder = await TempDir.make();
  const ids = new Map<string, string>();
  const publish = async (name: string, options: Omit<TunnelOptions, "server">): Promise<void> => {
    await using tunnel = await serve({ server: server.url, ...options }, handler);
    ids.set(name, tunnel.id);
  };
  const path = `${folder.path}/key.pem`;
  await publish("made", { key: path });
  await publish("read", { key: path });
  await publish("text", { key: await Deno.readTextFile(path) });
  await publish("labelled", { key: path, label: "Blog" });
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  assert("privateKey" in pair);
  await publish("pair", { key: pair });
  await publish("pair again", { key: pair });
  await publish("memory", {});
  await publish("memory again", { key: "memory" });
  assertEquals([ids.get("read"), ids.get("text")], [ids.get("made"), ids.get("made")]);
  assertEquals(ids.get("pair again"), ids.get("pair"));
  assertEquals(new Set(ids.values()).size, 5);
});

Deno.test("serve has what the owner asks of visitors checked by the server", async () => {
  await using server = startServer();
  const basicAuth = { user: "ann", password: "pass:word" };
  await using tunnel = await serve({ server: server.url, basicAuth }, handler);
  const refused = await fetch(tunnel.url);
  assertEquals(refused.status, 401);
  await refused.body?.cancel();
  const headers = { authorization: `Basic ${btoa("ann:pass:word")}` };
  assertEquals(await (await fetch(tunnel.url, { headers })).text(), "hello");
});

Deno.test("forward publishes a port of this machine, and tells of trouble with it", async () => {
  await using server = startServer();
  const origin = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    ({ headers }) => new Response(headers.get("host")),
  );
  const { port } = origin.addr;
  const options = { server: server.url, hostHeader: "rewrite" };
  await using tunnel = await forward(options, `127.0.0.1:${port}`);
  assertEquals(await textAt(tunnel), `127.0.0.1:${port}`);
  await origin.shutdown();
  // Something that is not HTTP takes its place.
  using listener = Deno.listen({ port, hostname: "127.0.0.1" });
  const notice = Promise.withResolvers<string>();
  tunnel.addEventListener("notice", ({ text }) => notice.resolve(text));
  const asked = fetch(tunnel.url);
  using connection = await listener.accept();
  await connection.write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.9\r\n\r\n"));
  const response = await asked;
  assertEquals(response.status, 502);
  await response.body?.cancel();
  assertMatch(await within(notice.promise, "a notice"), new RegExp(`127.0.0.1:${port}`));
});

Deno.test("serve shows requests in an inspector, where it is wanted", async () => {
  await using server = startServer();
  await using tunnel = await serve({ server: server.url, inspector: 0 }, handler);
  assertMatch(tunnel.inspector ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
  const response = await fetch(`${tunnel.inspector}/api/tunnel`);
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

Deno.test("serve and forward name the option that is wrong, and what it must be", async () => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
  ]);
  const wrong: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ server: undefined }, "the option server is needed"],
    [
      { server: "ftp://x" },
      'the option server must be like https://tunnel.example.com, without a path, not "ftp://x"',
    ],
    [{ server: [] }, "the option server must have one member or more, not []"],
    [{ server: 5 }, "the option server must be text, not 5"],
    [{ labl: "x" }, "the option labl does not exist; there are server, key"],
    [{ basic_auth: "x" }, "; did you mean basicAuth?"],
    [{ label: "-x" }, "the option label must be at most 63 letters"],
    [{ name: "a b" }, "the option name must be"],
    [{ token: 7 }, "the option token must be text, not 7"],
    [{ connections: 17 }, "the option connections must be a whole number from 1 to 16, not 17"],
    [{ connections: "2" }, 'the option connections must be a whole number from 1 to 16, not "2"'],
    [{ connections: 1.5 }, "not 1.5"],
    [{ allowIp: ["10.0.0.0/8", "nobody"] }, "the option allowIp must be addresses and networks"],
    [
      { basicAuth: { user: "a:b", password: "c" } },
      "the option basicAuth must have a user without a colon",
    ],
    [{ basicAuth: { user: "ann" } }, "the option basicAuth must have a user and a password"],
    [{ proxy: "https://p" }, "the option proxy must be like http://proxy.example.com:3128"],
    [{ authorities: "none" }, "the option authorities has no certificate in PEM"],
    [{ signal: {} }, "the option signal must be an AbortSignal"],
    [
      { connectTimeout: -1 },
      "the option connectTimeout must be a time such as 30s, 500ms or 2m, not -1",
    ],
    [
      { inspector: "0.0.0.0:4040" },
      "the option inspector is for other machines too and needs a token",
    ],
    [{ inspector: { adress: 1 } }, "the option adress does not exist"],
    [{ key: 5 }, 'the option key must be a path, a key in PEM, a CryptoKeyPair or "memory"'],
    [
      { key: pair },
      "the option key must be an Ed25519 private key, in PKCS #8 where it is PEM: it is of ECDSA",
    ],
    [{ key: "-----BEGIN RSA PRIVATE KEY-----" }, "it is an RSA key"],
    [
      { key: "/not/there/key.pem" },
      "there is no folder /not/there; make it (mkdir -p), or check the option key",
    ],
  ];
  for (const [given, message] of wrong) {
    const options: TunnelOptions = Object.assign({ server: nowhere() }, given);
    const error = await assertRejects(() => serve(options, handler), OptionError, message);
    assertEquals(error.code, "bad_option");
  }
  const options = { server: nowhere() };
  await assertRejects(() => serve(options, Object({})), OptionError, "the option handler must be");
  const app = Object.assign(() => new Response(), { listen() {} });
  await assertRejects(() => serve(options, app), OptionError, "give its port to forward()");
  const swapped = () => Reflect.apply(serve, undefined, [handler, options]);
  await assertRejects(swapped, OptionError, "the options come first, as in serve({ server }");
  await assertRejects(
    () => forward(options, "not a place"),
    OptionError,
    "the option service must be a port, host:port",
  );
  await assertRejects(() => forward(options, 70_000), OptionError, "a port from 1 to 65535");
});

Deno.test("a wrong password is not in the message about it", async () => {
  const basicAuth = { user: "ann", password: "se\ncret" };
  const error = await assertRejects(
    () => serve({ server: nowhere(), basicAuth }, handler),
    OptionError,
  );
  assert(!error.message.includes("cret"));
});

Deno.test("TunnelServer names the option that is wrong", () => {
  const wrong: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ port: 65_536 }, "the option port must be a whole number from 0 to 65535, not 65536"],
    [{ timeout: "soon" }, "the option timeout must be a time such as 30s"],
    [{ maxBody: "much" }, "the option maxBody must be a size such as 500kb"],
    [{ rateLimit: { count: 5, period: 7 } }, "the option rateLimit must be a rate such as 100/s"],
    [{ token: "short" }, "the option token must have 16 bytes or more"],
    [{ trustProxy: "everybody" }, "the option trustProxy must be addresses"],
    [{ tls: { cert: "x" } }, "the option tls must have a certificate"],
    [{ fixd: true }, "the option fixd does not exist"],
    [{ fixed: "yes" }, "the option fixed must be true or false"],
  ];
  for (const [options, message] of wrong) {
    const error = assertThrows(() => new TunnelServer(options), OptionError, message);
    assert(!error.message.includes('"short"'));
  }
});

function handler(): Response {
  return new Response("hello");
}

/** Starts a server whose one tunnel is at its own URL: not every system finds the names below localhost. */
function startServer(options: ConstructorParameters<typeof TunnelServer>[0] = {}): TunnelServer {
  return new TunnelServer({ port: 0, hostname: "127.0.0.1", fixed: true, ...options });
}

/** A server that is not there: nothing listens on the port 1. */
function nowhere(): string {
  return "http://127.0.0.1:1";
}

async function textAt({ url }: Tunnel): Promise<string> {
  return await (await fetch(url)).text();
}
