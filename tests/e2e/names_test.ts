import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { FrameType } from "../../lib/wire/frame.ts";
import { type EndedProgram, runToEnd } from "../testing/ended_program.ts";
import { eventually } from "../testing/eventually.ts";
import type { FramePeer } from "../testing/frame_peer.ts";
import { freePort } from "../testing/free_port.ts";
import { Program } from "../testing/program.ts";
import { ownPage, scrape } from "../testing/prometheus.ts";
import { Link } from "../testing/link.ts";
import { BUS_DOMAIN, openRedisBus } from "../testing/redis_buses.ts";
import { within } from "../testing/within.ts";
import { Names } from "../../lib/server/access/names.ts";
import { RegistrationError } from "../../lib/wire/registration_error.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { ScriptedServer } from "../testing/scripted_server.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startServerAt, startTunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("--name gives a tunnel a second hostname, whose URL is the one that is printed", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, clientArgs: ["--name", "Shop"] });
  const { server } = tunnel;
  const { port } = server.url;
  assertEquals(tunnel.client.stdout.all, [`http://shop.localhost:${port}`]);
  await t.step("it is found by its name, in any case, and by path", async () => {
    for (const host of [`shop.localhost:${port}`, `SHOP.localhost:${port}`]) {
      assertEquals((await tunnel.request("/", { host })).text, "ok");
    }
    const host = server.url.host;
    assertEquals((await tunnel.request("/proxy/request/shop/x", { host })).text, "ok");
  });
  await t.step("it is found by its id as before", async () => {
    const [, id = ""] = await server.stderr.find(/"tunnel":"([a-z2-7]{52})"/) ?? [];
    assertEquals((await tunnel.request("/", { host: `${id}.localhost:${port}` })).text, "ok");
  });
  await t.step(
    "a proxy that asks for its certificate is told yes, and no for a name nobody has",
    async () => {
      assertEquals((await ownPage(server, "/proxy/ask?domain=shop.localhost")).status, 200);
      assertEquals((await ownPage(server, "/proxy/ask?domain=shops.localhost")).status, 404);
    },
  );
  await t.step("it is one tunnel of two connections, which are counted once", async () => {
    assertEquals((await scrape(server)).value("tunnel_connections"), 2);
  });
});

Deno.test("A name stays with the first key that took it, also while its client is away", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  const wish = (key: string, name = "shop") => [
    ...["--server", server.url.origin, "--key", `${folder.path}/${key}`, "--name", name],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ];
  await using first = await Program.start("client.ts", wish("first"));
  await t.step("while it is connected", async () => {
    refused(await runToEnd("client.ts", wish("second")), "the name shop belongs to another key");
    assertEquals(await served(server, "shop"), 200);
  });
  await first.stop();
  await t.step("when it has left", async () => {
    refused(await runToEnd("client.ts", wish("second")), "the name shop belongs to another key");
  });
  await t.step("another name is free", async () => {
    await using second = await Program.start("client.ts", wish("second", "blog"));
    assertEquals(second.url.hostname, "blog.localhost");
  });
  await t.step("and when it comes back", async () => {
    await using again = await Program.start("client.ts", wish("first"));
    assertEquals(again.url.hostname, "shop.localhost");
    await eventually(
      "the name to be served again",
      async () => await served(server, "shop") === 200,
    );
  });
});

Deno.test({
  name: "Nodes agree whose a name is; while nobody can tell, a client waits and is not sent away",
  ignore: !hasRedis,
  fn: async (t) => {
    await using folder = await TempDir.make();
    await using origin = ScriptedOrigin.answering(OK);
    await using redis = await RedisServer.start();
    const bus = ["--bus", redis.url];
    await using here = await startServer(bus);
    await using there = await startServer(bus);
    await redis.settle("localhost");
    const wish = (server: Program, key: string, name: string) => [
      ...["--server", server.url.origin, "--key", `${folder.path}/${key}`, "--name", name],
      ...["--host", "127.0.0.1", "--port", `${origin.port}`],
    ];
    await using first = await Program.start("client.ts", wish(here, "first", "shop"));
    await t.step("at another node it is another key's as well", async () => {
      const ended = await runToEnd("client.ts", wish(there, "second", "shop"));
      refused(ended, "the name shop belongs to another key");
      // A port is its own node's, and the name is the same at both.
      assertEquals(await served(there, "shop"), 200);
    });
    await redis.kill();
    await t.step("without the bus no name is given, and those that are stay", async () => {
      const { code, stdout, stderr } = await runToEnd("client.ts", [
        ...wish(there, "second", "blog"),
        "--once",
      ]);
      assertEquals([code, stdout], [1, ""]);
      assertMatch(
        stderr,
        /not connected to .*: the server cannot tell now whether the name is free\n/,
      );
      assertEquals(await served(here, "shop"), 200);
    });
    await t.step("with the bus again, all is as before though it forgot everything", async () => {
      await redis.start();
      await eventually("the name to be known again", async () => {
        return (await redis.run(["EXISTS", "tunnel:localhost:name:shop"]))[0] === 1;
      });
      await redis.settle("localhost");
      await using second = await Program.start("client.ts", wish(there, "second", "blog"));
      assertEquals(second.url.hostname, "blog.localhost");
      const ended = await runToEnd("client.ts", wish(there, "third", "shop"));
      refused(ended, "the name shop belongs to another key");
      assertEquals(first.stdout.all.length, 1);
    });
  },
});

Deno.test({
  name:
    "Redis that comes back empty gives nobody a name that is in use at a node which is later to notice",
  ignore: !hasRedis,
  fn: async () => {
    await using redis = await RedisServer.start();
    await using link = Link.start(redis.port);
    await using owners = await openRedisBus(`redis://[::1]:${link.port}`);
    await using thieves = await openRedisBus(redis.url);
    const lost: string[] = [];
    const here = new Names({ bus: owners, onLost: (name) => lost.push(name) });
    const there = new Names({ bus: thieves, onLost: () => {} });
    await redis.settle(BUS_DOMAIN);
    await here.claim("shop", "owner");
    const release = here.hold("shop", "owner");
    await redis.kill();
    await eventually("the loss", () => !owners.isUp && !thieves.isUp);
    link.hold("up", "down");
    await redis.start();
    const refusals = new Map<string, number>();
    const attempt = async () => {
      const error = await assertRejects(() => there.claim("shop", "thief"), RegistrationError);
      refusals.set(error.message, (refusals.get(error.message) ?? 0) + 1);
      return error.code;
    };
    // The thief asks all the time, long before the owner's node can.
    await eventually("Redis to answer the thief's node", () => thieves.isUp);
    for (let i = 0; i < 50; i++) assertEquals(await attempt(), "try_again");
    link.release();
    await eventually("the owner's node to have said it", async () => {
      return await attempt() === "name_taken";
    });
    assertEquals(lost, []);
    release();
  },
});

Deno.test({
  name:
    "A client whose name goes to another key keeps its id, and says so, also when it connects anew",
  ignore: !hasRedis,
  fn: async (t) => {
    await using folder = await TempDir.make();
    await using origin = ScriptedOrigin.answering(OK);
    await using redis = await RedisServer.start();
    const port = freePort();
    const args = ["--bus", redis.url, "--acquire-timeout", "1ms"];
    await using server = await startServerAt(port, args);
    await redis.settle("localhost");
    await using client = await Program.start("client.ts", [
      ...["--server", server.url.origin, "--key", `${folder.path}/key`, "--name", "shop"],
      `${origin.port}`,
    ]);
    assertEquals(client.url.hostname, "shop.localhost");
    let id = "";
    await t.step("when the bus says so", async () => {
      await redis.run(["SET", "tunnel:localhost:name:shop", "another-key"]);
      const lost = within(client.stderr.find(/the name shop belongs to another key/), "the loss");
      assert(await lost !== null);
      const found = await within(
        client.stdout.find(/http:\/\/([a-z2-7]{52})\.localhost/),
        "the other URL",
      );
      id = found?.[1] ?? "";
      assertEquals(await served(server, id), 200);
      assertEquals(await served(server, "shop"), 502);
    });
    await t.step("when it connects anew", async () => {
      await server.stop("SIGKILL");
      await using again = await startServerAt(port, args);
      await eventually("the tunnel", async () => await served(again, id) === 200);
      assertEquals(client.stdout.all.length, 2);
    });
  },
});

Deno.test("A name that is not to be had ends the client with the reason, and never another in its place", async (t) => {
  await using folder = await TempDir.make();
  const port = `${freePort()}`;
  await using _server = await Program.start("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", port, "--public-url", "http://hub.localhost:8000"],
    ...["--admin-token", "0123456789abcdef", "--state", folder.path],
  ]);
  await using fixed = await startServer(["--fixed"]);
  const wish = (name: string, to = `http://127.0.0.1:${port}`) =>
    runToEnd("client.ts", ["--server", to, "--key", `${folder.path}/key`, `--name=${name}`]);
  for (
    const [name, reason] of [
      ["www", "the name www is not given: it is reserved"],
      ["xn--shop-xyz", "it may be shown as another one"],
      ["6nyfjbfosvudec2vhh7g2sby5h7a4ab3olvmmrwbwqo7wxgym3ca", "the form of a tunnel's id"],
      [
        "hub",
        "the name hub is not given: hub.localhost is the server itself. Choose another --name",
      ],
      [
        "admin",
        "admin is not given: admin.localhost is the page of this server's operator. Choose",
      ],
    ] as const
  ) {
    await t.step(name, async () => refused(await wish(name), reason));
  }
  await t.step("with --fixed", async () => {
    refused(await wish("shop", fixed.url.origin), "this server has one hostname for all (--fixed)");
  });
  await t.step("one that is no label is a wrong call", async () => {
    for (const name of ["a.b", "-a", "a_b", "x".repeat(64)]) {
      const { code, stderr } = await wish(name);
      assertEquals(code, 2);
      assertMatch(stderr, /^deno run -A client\.ts: --name must be .*\n$/);
    }
  });
});

Deno.test("A list of keys decides about names: one listed is its key's alone, and nobody takes another", async (t) => {
  await using folder = await TempDir.make();
  await using origin = ScriptedOrigin.answering(OK);
  const keys = ["first", "second"].map((name) => `${folder.path}/${name}`);
  const [first = "", second = ""] = await Promise.all(keys.map(async (file) => {
    const { stdout } = await runToEnd("client.ts", ["--key", file, "--show-key"]);
    return stdout.trimEnd();
  }));
  const list = `${folder.path}/authorized_keys`;
  await Deno.writeTextFile(list, `${first} shop, www\n${second}\n`);
  await using server = await startServer(["--authorized-keys", list]);
  const wish = (key: number, ...name: string[]) => [
    ...["--server", server.url.origin, "--key", keys[key] ?? "", ...name],
    `${origin.port}`,
  ];
  await t.step("a name of its own, though it is reserved", async () => {
    await using client = await Program.start("client.ts", wish(0, "--name", "www"));
    assertEquals(client.url.hostname, "www.localhost");
  });
  await t.step("a free one, and another's", async () => {
    refused(await runToEnd("client.ts", wish(0, "--name", "free")), `${first} may not have it`);
    refused(await runToEnd("client.ts", wish(1, "--name", "shop")), `${second} may not have it`);
  });
  await t.step("none", async () => {
    await using client = await Program.start("client.ts", wish(1));
    assertMatch(client.url.hostname, /^[a-z2-7]{52}\.localhost$/);
  });
  if (Deno.build.os === "windows") return;
  await t.step("a name that goes to another key leaves the one that has it", async () => {
    await using loser = await Program.start("client.ts", wish(0, "--name", "shop"));
    await Deno.writeTextFile(list, `${first}\n${second} shop\n`);
    server.signal("SIGHUP");
    assertEquals((await loser.status).code, 1);
    await loser.stderr.ended;
    assertStringIncludes(`${loser.stderr}`, `${first} may not have it`);
    await using winner = await Program.start("client.ts", wish(1, "--name", "shop"));
    assertEquals(winner.url.hostname, "shop.localhost");
  });
});

Deno.test("A client takes no other name, and no unguarded tunnel, from a server that ignores what it asked for", async (t) => {
  await using folder = await TempDir.make();
  for (
    const [flag, value, reason] of [
      ["--name", "shop", "it gave http://elsewhere.example and not the name shop"],
      ["--name", "elsewhere", null],
      ["--allow-ip", "127.0.0.1", "it does not check visitors as it was asked to"],
      ["--basic-auth", "ann:secret", "it does not check visitors as it was asked to"],
    ] as const
  ) {
    await t.step(`${flag} ${value}`, async () => {
      await using server = await ScriptedServer.start();
      const ending = runToEnd("client.ts", [
        ...["--server", `http://127.0.0.1:${server.port}`, "--key", `${folder.path}/key`],
        ...["--connections", "1", "--once", flag, value],
      ]);
      const client = await server.next();
      const request = await accept(client);
      assert(!request.includes("secret"), request);
      if (reason === null) {
        client.send(FrameType.Disconnect, { payload: new Uint8Array([0, 0, 0]) });
        const { code, stdout } = await ending;
        assertEquals([code, stdout], [0, "http://elsewhere.example\n"]);
      } else {
        refused(await ending, reason);
      }
    });
  }
});

/** Registers a client without a look at what it wishes, and returns what it sent. */
async function accept(client: FramePeer): Promise<string> {
  const challenge = { nonce: "n".repeat(43), server: "old/1", limits: { streams: 1 } };
  client.send(FrameType.RegistrationChallenge, { payload: JSON.stringify(challenge) });
  const { payload } = await client.next(FrameType.RegistrationRequest);
  const url = "http://elsewhere.example";
  const answer = { id: "x", hostnames: ["elsewhere.example"], urls: [url] };
  client.send(FrameType.RegistrationResponse, { payload: JSON.stringify(answer) });
  const { jws }: { jws: string } = JSON.parse(new TextDecoder().decode(payload));
  return atob((jws.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
}

function refused({ code, stdout, stderr }: EndedProgram, reason: string): void {
  assertEquals([code, stdout], [1, ""], stderr);
  assertStringIncludes(stderr, "deno run -A client.ts: the server refused: ");
  assertStringIncludes(stderr, reason);
}

/** Asks for a tunnel by its name. */
async function served(server: Program, name: string): Promise<number> {
  using visitor = await RawHTTP.open(Number(server.url.port));
  const host = `${name}.${server.url.host}`;
  return (await visitor.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status;
}
