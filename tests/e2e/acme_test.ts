import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { DNSResponder } from "../../lib/server/tls/dns_responder.ts";
import { Balancer } from "./balancer.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { SILENT } from "../testing/listening.ts";
import { hasPebble, Pebble } from "../testing/pebble.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SteadyLoad } from "../testing/steady_load.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";
import {
  connectTrusting,
  DOMAIN,
  LoopbackNames,
  LoopbackProxy,
  redirectPort,
  startACMEServer,
} from "./acme.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const ignore = !hasPebble;

/** Milliseconds for a certificate: an order takes a dozen requests, half of which are refused once and sent again. */
const PATIENCE = 60_000;

Deno.test({
  name:
    "With --acme a server gets a certificate by itself, and renews it under load without losing a request",
  // Elsewhere the system does not spread connections over sockets that share a port.
  ignore: ignore || Deno.build.os !== "linux",
}, async (t) => {
  await using folder = await TempDir.make();
  const state = `${folder.path}/state`;
  const dnsPort = freePort();
  await using pebble = await Pebble.start({ dnsPort });
  await using server = await startACMEServer({ pebble, state, dnsPort, resolverPort: dnsPort });
  const port = Number(server.url.port);
  await used(server, 1);
  const root = await pebble.root();
  await Deno.writeTextFile(`${folder.path}/root.pem`, root);

  await t.step("what is kept can be read by its user alone", async () => {
    const files = [...Deno.readDirSync(state)].map(({ name }) => name).sort();
    assertEquals(files.map((name) => name.replace(/localhost_\d+/, "localhost")), [
      "account-localhost.json",
      "attempts.json",
      "certificate.pem",
    ]);
    for (const file of files) {
      assertEquals((await Deno.stat(`${state}/${file}`)).mode! & 0o777, 0o600);
    }
  });

  await using origin = ScriptedOrigin.answering(OK);
  await using socketOrigin = await WebSocketOrigin.start();
  using proxy = new LoopbackProxy();
  const through = ["--proxy", proxy.url, "--server", server.url.origin];
  const trusting = ["--server-ca", `${folder.path}/root.pem`];
  await using client = await Program.start("client.ts", [
    ...[...through, ...trusting, `127.0.0.1:${origin.port}`],
  ]);
  await using socketClient = await Program.start("client.ts", [
    ...[...through, ...trusting, `127.0.0.1:${socketOrigin.port}`],
  ]);
  const connect = (port: number) => connectTrusting(port, { hostname: client.url.hostname, root });

  await t.step(
    "a visitor who trusts the authority reaches a tunnel, and the server itself",
    async () => {
      for (const { host, hostname } of [client.url, server.url]) {
        using visitor = new RawHTTP(await connectTrusting(port, { hostname, root }));
        const target = hostname === DOMAIN ? "/healthz" : "/";
        const { text } = await visitor.exchange(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        assertEquals(text.trim(), "ok");
      }
    },
  );

  await t.step("a renewal loses no request, and open WebSockets go on", async () => {
    const { hostname, host } = socketClient.url;
    const options = { headers: { host }, servername: hostname, ca: root };
    using visitor = await openWebSocket(`wss://127.0.0.1:${port}/`, options);
    const { peer } = await socketOrigin.next();
    await using load = SteadyLoad.start({
      rate: 200,
      port: () => port,
      host: client.url.host,
      expected: "ok",
      connect,
    });
    await load.more(50);
    const before = await Deno.readTextFile(`${state}/certificate.pem`);
    await Deno.remove(`${state}/certificate.pem`);
    server.signal("SIGHUP");
    await eventually("the new certificate to be kept", async () => {
      const after = await Deno.readTextFile(`${state}/certificate.pem`);
      return after !== before;
    }, PATIENCE);
    for (let i = 0; i < 20; i++) {
      visitor.send(`message ${i}`);
      assertEquals(await peer.next(), `message ${i}`);
      await load.more(10);
    }
    visitor.close();
    await used(server, 2);
    const { failed, reasons, made } = await load.stop();
    assertEquals({ failed, reasons }, { failed: 0, reasons: {} }, `of ${made}`);
  });
  await server.stop();
  assertEquals(await server.status.then(({ code }) => code), 0);
});

Deno.test({
  name:
    "Without the NS record a server says which one to set, serves what it can, and tries again later",
  ignore,
}, async (t) => {
  await using folder = await TempDir.make();
  // Nothing answers the authority.
  await using pebble = await Pebble.start({ dnsPort: freePort() });
  const options = { pebble, state: `${folder.path}/state` };
  let again: string | undefined;
  {
    await using server = await startACMEServer(options);
    const line = await within(server.stderr.find(/no certificate: (.*)/), "the reason", PATIENCE);
    assertMatch(
      line?.[1] ?? "",
      /could not see that tunnel\.example\.test is this server's: .*Set this DNS record where tunnel\.example\.test is managed: _acme-challenge\.tunnel\.example\.test NS tunnel\.example\.test /,
    );
    again = /again=(\S+)/.exec(line?.[0] ?? "")?.[1];
    await t.step("it listens with a certificate that nobody trusts", async () => {
      const root = await pebble.root();
      const port = Number(server.url.port);
      const { message } = await assertRejects(
        () => connectTrusting(port, { hostname: DOMAIN, root }),
        Error,
      );
      assertMatch(message, /invalid peer certificate/);
    });
    await t.step("it sends visitors without TLS to HTTPS", async () => {
      using visitor = await RawHTTP.open(await redirectPort(server));
      const request = `GET /a?b HTTP/1.1\r\nHost: a.${DOMAIN}\r\n\r\n`;
      const { status, head } = await visitor.exchange(request);
      assertEquals(status, 308);
      assertEquals(head.get("location"), `https://a.${DOMAIN}:${server.url.port}/a?b`);
    });
  }
  await t.step("a restart does not try sooner", async () => {
    const attempts = await Deno.readTextFile(`${options.state}/attempts.json`);
    await using server = await startACMEServer(options);
    assertEquals(await Deno.readTextFile(`${options.state}/attempts.json`), attempts);
    assert(again !== undefined && attempts.includes(`${Date.parse(again)}`));
    await server.stop();
  });
});

Deno.test({
  name:
    "With --fixed a certificate is got by HTTP, for an account that is bound to a key of the authority's",
  ignore,
}, async () => {
  await using folder = await TempDir.make();
  using names = new LoopbackNames();
  const httpPort = freePort();
  const secret = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
  const externalKeys = { "kid-1": secret };
  await using pebble = await Pebble.start({ dnsPort: names.port, httpPort, externalKeys });
  await using server = await startACMEServer({
    pebble,
    state: `${folder.path}/state`,
    httpPort,
    args: ["--fixed", "--acme-key-id", "kid-1", "--hsts", "600"],
    env: { TUNNEL_ACME_HMAC_KEY: secret },
  });
  await used(server, 1);
  const root = await pebble.root();
  const port = Number(server.url.port);
  using visitor = new RawHTTP(await connectTrusting(port, { hostname: DOMAIN, root }));
  const { head } = await visitor.exchange(`GET / HTTP/1.1\r\nHost: ${server.url.host}\r\n\r\n`);
  assertEquals(head.get("strict-transport-security"), "max-age=600");
});

Deno.test({
  name:
    "With --acme-hook a program sets and clears the TXT records, with the permissions that are left",
  // It is a shell script.
  ignore: ignore || Deno.build.os === "windows",
}, async () => {
  await using folder = await TempDir.make();
  const port = freePort();
  const name = `_acme-challenge.${DOMAIN}`;
  const responder = new DNSResponder({ hostname: "127.0.0.1", port, name, log: SILENT });
  const calls = `${folder.path}/calls`;
  const hook = `${folder.path}/hook.sh`;
  await Deno.writeTextFile(hook, `#!/bin/sh\necho "$@" >> ${calls}\n`, { mode: 0o700 });
  try {
    await using pebble = await Pebble.start({ dnsPort: port });
    await using server = await startACMEServer({
      pebble,
      state: `${folder.path}/state`,
      resolverPort: port,
      args: ["--acme-hook", hook],
    });
    const set = async () => {
      const text = await Deno.readTextFile(calls);
      return [...text.matchAll(/^set (\S+) (\S+)$/gm)].map(([, at, value]) => ({ at, value }));
    };
    await eventually("both texts", async () => (await set()).length === 2, PATIENCE);
    const texts = await set();
    assertEquals(texts.map(({ at }) => at), [name, name]);
    assertNotEquals(texts[0]?.value, texts[1]?.value);
    for (const { value = "" } of texts) responder.add(value);
    await used(server, 1);
    const cleared = [...(await Deno.readTextFile(calls)).matchAll(/^clear \S+ (\S+)$/gm)];
    assertEquals(cleared.map(([, value]) => value), texts.map(({ value }) => value));
  } finally {
    responder.close();
  }
});

Deno.test({
  name:
    "Of the nodes of a domain any shows the proofs, one gets the certificate and all use it, and Redis cannot read it",
  ignore: ignore || !hasRedis,
}, async (t) => {
  await using folder = await TempDir.make();
  await using redis = await RedisServer.start();
  // The authority's questions go to one node after the other.
  const dnsPorts = [freePort(), freePort()];
  await using names = Balancer.start(dnsPorts, { inTurn: true });
  await using pebble = await Pebble.start({ dnsPort: names.port, reuse: 0 });
  const start = (dnsPort: number, i: number) =>
    startACMEServer({
      pebble,
      state: `${folder.path}/${i}`,
      dnsPort,
      args: ["--bus", redis.url],
      env: { TUNNEL_ACME_SECRET: "the same at every node" },
    });
  // Nobody orders before all of them answer.
  const lock = `tunnel:${DOMAIN}:lock:acme:order`;
  await redis.run(["SET", lock, "another node", "PX", `${PATIENCE}`]);
  await using nodes = new AsyncDisposableStack();
  const started = await Promise.all(dnsPorts.map(start));
  for (const node of started) nodes.use(node);
  await redis.run(["DEL", lock]);
  const kept = (i: number) => Deno.readTextFile(`${folder.path}/${i}/certificate.pem`);
  const issued = () => `${pebble.stdout}`.split("Issued certificate serial").length - 1;

  await t.step("one certificate was issued, and a visitor trusts every node", async () => {
    for (const node of started) await used(node, 1);
    assertEquals(issued(), 1);
    assertEquals(await kept(0), await kept(1));
    const root = await pebble.root();
    for (const { url } of started) {
      (await connectTrusting(Number(url.port), { hostname: DOMAIN, root })).close();
    }
  });

  await t.step("Redis has neither its key nor its chain in clear", async () => {
    const [keys] = await redis.run(["KEYS", `tunnel:${DOMAIN}:text:*`]);
    assert(Array.isArray(keys));
    assertEquals(keys.map((key) => `${key}`.replace(/localhost_\d+/, "localhost")).sort(), [
      `tunnel:${DOMAIN}:text:acme:account-localhost.json`,
      `tunnel:${DOMAIN}:text:acme:attempts.json`,
      `tunnel:${DOMAIN}:text:acme:certificate.pem`,
      `tunnel:${DOMAIN}:text:acme:proofs`,
    ]);
    for (const text of await redis.run(...keys.map((key) => ["GET", `${key}`]))) {
      assertMatch(`${text}`, /^[A-Za-z0-9+/]+=*$/);
      assert(!atob(`${text}`).includes("BEGIN"));
    }
  });

  await t.step("what Redis has forgotten is put there again, and one gets the next", async () => {
    const before = await kept(0);
    for (const i of [0, 1]) await Deno.remove(`${folder.path}/${i}/certificate.pem`);
    await redis.run(["FLUSHALL"]);
    for (const node of started) node.signal("SIGHUP");
    for (const node of started) await used(node, 2);
    assertEquals(issued(), 2);
    assertEquals(await kept(0), await kept(1));
    assertNotEquals(await kept(0), before);
  });
});

/** Waits until a server uses so many certificates that it was given, one after the other. */
async function used(server: Program, count: number): Promise<void> {
  await eventually(
    "a new certificate",
    () => `${server.stderr}`.split("a new certificate is used").length > count,
    PATIENCE,
  ).catch((cause) => {
    throw new Error(`${server.stderr}`, { cause });
  });
}
