import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import config from "../../../deno.json" with { type: "json" };
import { BusError } from "../../../lib/server/bus/bus.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { freePort } from "../../testing/free_port.ts";
import { openRedisBus } from "../../testing/redis_buses.ts";
import { hasRedis, RedisServer } from "../../testing/redis_server.ts";

const ignore = !hasRedis;

/** Milliseconds of a lifetime that no test sees the end of. */
const LONG = 60_000;

Deno.test(
  "RedisBus signs in, chooses a database, and never tells the password",
  { ignore },
  async (t) => {
    const PASSWORD = "p@ss word/✓";
    const args = [
      ...["--requirepass", PASSWORD],
      ...["--user", "ann", "on", `>${PASSWORD}`, "~*", "&*", "+@all"],
    ];
    await using redis = await RedisServer.start({ args });
    const at = `127.0.0.1:${redis.port}`;
    const secret = encodeURIComponent(PASSWORD);
    for (const user of ["", "ann"]) {
      await t.step(user === "" ? "by the password alone" : "by name and password", async () => {
        await using bus = await openRedisBus(`redis://${user}:${secret}@${at}/3`);
        assertEquals([bus.isUp, bus.outage], [true, null]);
        await bus.keepNode({ id: "n1", url: null }, LONG);
      });
    }
    const wrong = {
      "another name": `bob:${secret}@`,
      "another password": `:x${secret}@`,
      none: "",
    };
    for (const [name, credentials] of Object.entries(wrong)) {
      await t.step(`not by ${name}`, async () => {
        await using bus = await openRedisBus(`redis://${credentials}${at}`);
        assertEquals(bus.isUp, false);
        assertMatch(bus.outage ?? "", /WRONGPASS|NOAUTH/);
        const error = await assertRejects(() => bus.findNode("n1"), BusError);
        const told = `${bus.outage} ${Deno.inspect(error)} ${Deno.inspect(bus, { depth: 9 })}`;
        assert(!told.includes(PASSWORD) && !told.includes(secret), told);
      });
    }
  },
);

Deno.test("RedisBus takes a password out of what a server quotes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const peers: Deno.Conn[] = [];
  const answering = (async () => {
    for await (const peer of listener) {
      peers.push(peer);
      await peer.read(new Uint8Array(1000));
      const error = "-ERR unknown command `HELLO`, with args: `3` `AUTH` `ann` `secret`\r\n";
      await peer.write(new TextEncoder().encode(error));
    }
  })();
  const bus = await openRedisBus(`redis://ann:secret@127.0.0.1:${listener.addr.port}`);
  assertMatch(bus.outage ?? "", /unknown command/);
  assert(!bus.outage?.includes("secret"));
  await bus.close();
  listener.close();
  await answering.catch(() => {});
  for (const peer of peers) peer.close();
});

Deno.test("RedisBus refuses an address that is none, without repeating it", async () => {
  const wrong = [
    "memory",
    "http://host",
    "redis://",
    "redis://user:secret@",
    "redis://user:secret@host/one",
    "redis://user:secret@host/1?x=y",
    "redis://user:%secret@host",
    "redis://user:secret@host:99999",
  ];
  for (const url of wrong) {
    const error = await assertRejects(() => openRedisBus(url), RangeError);
    assert(!error.message.includes("secret"), error.message);
  }
});

Deno.test("RedisBus speaks TLS to who has a good certificate, with what the server's task allows", {
  ignore,
}, async (t) => {
  const { certFile, keyFile } = CERTIFICATE;
  const tlsPort = freePort();
  await using _redis = await RedisServer.start({
    args: [
      ...["--tls-port", `${tlsPort}`, "--tls-auth-clients", "no"],
      ...["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile],
    ],
  });
  const script = `
    import { RedisBus } from ${
    JSON.stringify(import.meta.resolve("../../../lib/server/bus/redis_bus.ts"))
  };
    for (const host of ["localhost", "127.0.0.1"]) {
      const bus = await RedisBus.connect(\`rediss://\${host}:${tlsPort}\`, { domain: "tunnel.example" });
      console.log(bus.outage ?? "up");
      await bus.close();
    }
  `;
  for (
    const [name, env, told] of [
      ["a certificate that is known", { DENO_CERT: certFile }, /^up\nup\n$/],
      ["one that is not", {}, /^Redis at localhost:.*certificate\nRedis at 127.*certificate\n$/],
    ] as const
  ) {
    await t.step(name, async () => assertMatch(await runAsServer(script, env), told));
  }
});

/** Runs a script with the permissions of the server, and returns what it prints. */
async function runAsServer(script: string, env: Record<string, string>): Promise<string> {
  const allowed = config.tasks.server.command.split(" ").filter((word) => word.startsWith("--"));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...allowed, "-"],
    cwd: new URL("../../../", import.meta.url),
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout);
}
