import { assert, assertEquals, assertMatch, assertNotMatch, assertRejects } from "@std/assert";
import { CERTIFICATE } from "../testing/certificate.ts";
import { RFC_8037_KEY } from "../testing/ed25519.ts";
import { type EndedProgram, runToEnd } from "../testing/ended_program.ts";
import { freePort } from "../testing/free_port.ts";
import { foreignKey, pem } from "../testing/pem.ts";
import { ProgramError } from "../testing/program.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("A wrong call of the server ends in one line and status 2", async (t) => {
  await using folder = await TempDir.make();
  const junk = `${folder.path}/junk.pem`;
  await Deno.writeTextFile(junk, "this is no certificate\n");
  const foreign = `${folder.path}/foreign.pem`;
  await Deno.writeTextFile(foreign, await foreignKey({ name: "ECDSA", namedCurve: "P-256" }));
  const { certFile, keyFile } = CERTIFICATE;
  for (
    const args of [
      ["--nope"],
      ["--nope=1"],
      ["-x"],
      ["8080"],
      ["--port"],
      ["--port="],
      ["--port", "abc"],
      ["--port", "-1"],
      ["--port", "65536"],
      ["--port", "1e3"],
      ["--port", "1", "--port", "2"],
      ["--hostname", "a:1"],
      ["--domain", "a b"],
      ["--domain", "http://a"],
      ["--public-url", "ftp://a"],
      ["--public-url", "https://a/path"],
      ["--timeout", "5"],
      ["--timeout", "0s"],
      ["--timeout", "-1s"],
      ["--trust-proxy", "10.0.0.0/99"],
      ["--fixed=maybe"],
      ["--token", "hunter2"],
      ["--log-format", "xml"],
      ["--log-level", "loud"],
      ["--log-level", "a\nb"],
      ["--tls-cert", certFile],
      ["--tls-key", keyFile],
      ["--tls-cert", `${folder.path}/missing.pem`, "--tls-key", keyFile],
      ["--tls-cert", certFile, "--tls-key", `${folder.path}/missing.pem`],
      ["--tls-cert", folder.path, "--tls-key", keyFile],
      ["--tls-cert", junk, "--tls-key", keyFile],
      ["--tls-cert", certFile, "--tls-key", junk],
      ["--tls-cert", certFile, "--tls-key", certFile],
      ["--tls-cert", certFile, "--tls-key", foreign],
    ]
  ) {
    await t.step(nameOf(args, folder), async () => {
      const port = args.some((word) => word.startsWith("--port")) ? [] : ["--port", "0"];
      assertRefused(await runToEnd("server.ts", [...args, ...port]), 2);
    });
  }
  for (const variable of ["TUNNEL_PORT", "PORT", "TUNNEL_TIMEOUT", "TUNNEL_FIXED"]) {
    await t.step(`${variable}=abc`, async () => {
      const ended = await runToEnd("server.ts", [], { env: { [variable]: "abc" } });
      assertRefused(ended, 2);
      // Who set it long ago has to be told where it stands.
      assertMatch(ended.stderr, new RegExp(`\\b${variable}\\b`));
    });
  }
});

Deno.test("A server that cannot listen ends in one line and status 1", async (t) => {
  await t.step("port in use", async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const args = ["--hostname", "127.0.0.1", "--port", `${taken.addr.port}`];
    const ended = await runToEnd("server.ts", args);
    assertRefused(ended, 1);
    assertMatch(
      ended.stderr,
      new RegExp(
        `: cannot listen on 127\\.0\\.0\\.1:${taken.addr.port}: the port is in use; stop what ` +
          "listens there, or take another port\n$",
      ),
    );
  });
  await t.step("an address of another machine", async () => {
    // RFC 5737 keeps it for documentation: it is nobody's.
    assertRefused(await runToEnd("server.ts", ["--hostname", "192.0.2.1", "--port", "0"]), 1);
  });
});

Deno.test("A wrong call of the client ends in one line and status 2", async (t) => {
  await using folder = await TempDir.make();
  const key = ["--key", `${folder.path}/key.pem`];
  for (
    const args of [
      ["--nope"],
      ["--port", "0"],
      ["--port", "65536"],
      ["--port", "http"],
      ["--host", "a b"],
      ["--host", "a:1"],
      ["--server", "ftp://a"],
      ["--server", "http://a/path"],
      ["--server", "http://"],
      ["--label", "under_score"],
      ["--label", "-a"],
      ["--label", "a".repeat(64)],
      ["--connections", "0"],
      ["--connections", "many"],
      ["--host-header", "a b"],
      ["--proxy", "socks5://a:1080"],
      ["--server-ca", `${folder.path}/none.pem`],
      ["--once=maybe"],
      ["--key"],
      ["host:"],
      ["http://host:1/path"],
      ["ftp://host:1"],
      ["host:99999"],
      ["1", "2"],
      ["8080", "--port", "8080"],
    ]
  ) {
    await t.step(nameOf(args, folder), async () => {
      const keyArgs = args.includes("--key") ? [] : key;
      assertRefused(await runToEnd("client.ts", [...keyArgs, ...args]), 2);
    });
  }
  for (const variable of ["TUNNEL_PORT", "TUNNEL_CONNECTIONS", "TUNNEL_ONCE"]) {
    await t.step(`${variable}=abc`, async () => {
      const ended = await runToEnd("client.ts", key, { env: { [variable]: "abc" } });
      assertRefused(ended, 2);
      assertMatch(ended.stderr, new RegExp(`\\b${variable}\\b`));
    });
  }
});

Deno.test("A key file that cannot be used ends in one line that names it, and status 2", async (t) => {
  await using folder = await TempDir.make();
  const signing = { publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const files: Record<string, string | Uint8Array> = {
    "empty": "",
    "text": "secret",
    "bytes": crypto.getRandomValues(new Uint8Array(4_000)),
    "huge": "x".repeat(1_000_000),
    "rsa": await foreignKey({ name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, ...signing }),
    "ecdsa": await foreignKey({ name: "ECDSA", namedCurve: "P-256" }),
    "x25519": await foreignKey("X25519"),
    "cut": pem("PRIVATE KEY", RFC_8037_KEY.pkcs8.subarray(0, 40)),
    "not base64": "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n",
    "a certificate": await Deno.readTextFile(CERTIFICATE.certFile),
    "a key of openssh": pem("OPENSSH PRIVATE KEY", RFC_8037_KEY.pkcs8),
    "an encrypted key": pem("ENCRYPTED PRIVATE KEY", RFC_8037_KEY.pkcs8),
  };
  for (const [name, content] of Object.entries(files)) {
    await t.step(name, async () => {
      const path = `${folder.path}/${name}.pem`;
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(path, bytes, { mode: 0o600 });
      const ended = await runToEnd("client.ts", ["--key", path]);
      assertRefused(ended, 2);
      assert(ended.stderr.includes(path), ended.stderr);
      assertEquals(await Deno.readFile(path), bytes, "the file was changed");
    });
  }
  const unusable = [folder.path, "/dev/null/key.pem", `${CERTIFICATE.certFile}/key.pem`];
  for (const path of unusable) {
    await t.step(nameOf([path], folder), async () => {
      assertRefused(await runToEnd("client.ts", ["--key", path]), 2);
    });
  }
  await t.step({
    name: "unreadable",
    ignore: Deno.build.os === "windows" || Deno.uid() === 0,
    fn: async () => {
      const path = `${folder.path}/unreadable.pem`;
      await Deno.writeTextFile(path, pem("PRIVATE KEY", RFC_8037_KEY.pkcs8), { mode: 0o000 });
      assertRefused(await runToEnd("client.ts", ["--key", path]), 2);
    },
  });
});

Deno.test("A client that cannot reach its server says so in one line, with status 1 when it runs once", async (t) => {
  await using folder = await TempDir.make();
  const key = ["--key", `${folder.path}/key.pem`];
  // The line that says that a key was made is another one.
  await runToEnd("client.ts", [...key, "--show-key"]);
  await using stranger = ScriptedOrigin.answering(OK);
  await using rubbish = ScriptedOrigin.answering("SSH-2.0-OpenSSH_9.9\r\n\r\n");
  await using plain = SampleOrigin.start();
  for (
    const [name, server] of [
      ["nothing listens", `http://127.0.0.1:${freePort()}`],
      ["an unknown name", "http://tunnel.invalid:6519"],
      ["another service", `http://127.0.0.1:${stranger.port}`],
      ["no HTTP", `http://127.0.0.1:${rubbish.port}`],
      ["no TLS", `https://127.0.0.1:${plain.port}`],
    ] as const
  ) {
    await t.step(name, async () => {
      const ended = await runToEnd("client.ts", ["--once", "--server", server, ...key]);
      assertRefused(ended, 1);
      assert(ended.stderr.includes(server), ended.stderr);
      assertNotMatch(ended.stderr, /again/, "it does not try again");
    });
  }
});

Deno.test("A client that is refused for good says why in one line and exits with status 1", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using first = await startTunnel({ origin, serverArgs: ["--fixed"] });
  const error = await assertRejects(
    () => startTunnel({ origin, server: first.server }),
    ProgramError,
  );
  const { code, stdout, stderr } = error;
  assertRefused({ code, stdout, stderr: stderr.replace(/^.*made the key.*\n/, "") }, 1);
  assertMatch(stderr, /another key/);
});

/** Checks that a program said one clear line on stderr, nothing on stdout, and ended with that status. */
function assertRefused({ code, stdout, stderr }: EndedProgram, status: 1 | 2): void {
  assertEquals([code, stdout], [status, ""], stderr);
  assertMatch(stderr, /^[^\n]+\n?$/, `not one line: ${stderr}`);
  const start = /\bdeno run -A (?:client|server)\.ts\b/g;
  if (status === 2) {
    assertEquals(
      stderr.search(start),
      0,
      `it does not begin with how the program was started: ${stderr}`,
    );
  }
  const said = stderr.replaceAll(start, "");
  // Neither a stack trace nor the name of a class is clear to anybody.
  assertNotMatch(said, /\bat \S+.*:\d+:\d+|file:\/\/|\.ts\b|[A-Z]\w*Error\b|\[object|undefined/);
}

/** Returns a step's name that is the same in each run. */
function nameOf(args: readonly string[], { path }: TempDir): string {
  const root = new URL("../../", import.meta.url).pathname;
  return args.map((word) => word.replace(path, "<folder>").replace(root, "")).join(" ");
}
