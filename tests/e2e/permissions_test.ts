import { assertEquals } from "@std/assert";
import { CERTIFICATE } from "../testing/certificate.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { compileScript, Executable, hasCompiler } from "./executable.ts";
import { fileURLToPath } from "node:url";
import { Program, type ProgramOptions } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startServerAt, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const PROBED: ProgramOptions = {
  preload: new URL("../testing/permission_probe.ts", import.meta.url),
};

/** Windows has no such signal to ask with. */
const ignore = Deno.build.os === "windows";

Deno.test(
  "A server that was given every permission keeps the network, and files and programs where it has something to do with them",
  {
    ignore,
  },
  async (t) => {
    await using folder = await TempDir.make();
    const keys = `${folder.path}/authorized_keys`;
    const { stdout } = await runToEnd("client.ts", ["--key", `${folder.path}/key`, "--show-key"]);
    await Deno.writeTextFile(keys, "");
    const { certFile, keyFile } = CERTIFICATE;
    for (
      const [name, args, may] of [
        ["without files", [], "net"],
        ["with a list of keys", ["--authorized-keys", keys], "read net"],
        ["with a certificate", ["--tls-cert", certFile, "--tls-key", keyFile], "read net"],
      ] as const
    ) {
      await t.step(name, async () => {
        await using server = await startServer(args, PROBED);
        assertEquals(await permissionsOf(server), `may: ${may}; did: .`);
      });
    }
    const acme = [
      ...["--domain", "tunnel.example.test", "--acme", "you@example.com", "--http-port", "0"],
      ...["--acme-directory", `https://127.0.0.1:${freePort()}/dir`, "--acme-dns-port", "0"],
      ...["--state", `${folder.path}/state`],
    ];
    for (
      const [name, args, kept] of [
        ["with --acme", acme, ["read", "write", "net"]],
        ["with --acme-hook", [...acme, "--acme-hook", "true"], ["read", "write", "net", "run"]],
      ] as const
    ) {
      await t.step(name, async () => {
        await using server = await startServer(args, PROBED);
        const [, may = "", did = ""] = /may: (.*); did: (.*)\./.exec(
          await permissionsOf(server),
        ) ?? [];
        assertEquals(may.split(" ").sort(), [...kept].sort());
        assertEquals(did.split(" ").sort(), kept.filter((name) => /run|write/.test(name)).sort());
      });
    }
    await t.step("and reads the list again", async () => {
      await using server = await startServer(["--authorized-keys", keys], PROBED);
      await Deno.writeTextFile(keys, stdout);
      server.signal("SIGHUP");
      await within(server.stderr.find(/were read again.*"keys":1/), "the new list");
    });
  },
);

Deno.test(
  "A client that was given every permission keeps the network alone, and its tunnel works",
  {
    ignore,
  },
  async () => {
    await using origin = ScriptedOrigin.answering(OK);
    await using server = await startServer();
    await using client = await Program.start("client.ts", [
      ...["--server", server.url.origin, "--host", "127.0.0.1", "--port", `${origin.port}`],
    ], PROBED);
    assertEquals(await permissionsOf(client), "may: net; did: .");
    await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
    assertEquals((await tunnel.request("/")).text, "ok");
  },
);

Deno.test("A client that has opened the browser starts no program any more", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using folder = await TempDir.make();
  // It takes the place of the one that starts a browser.
  const [opener, opened] = [`${folder.path}/xdg-open`, `${folder.path}/opened`];
  await Deno.writeTextFile(opener, `#!/bin/sh\necho "$1" > ${opened}\n`, { mode: 0o700 });
  await using server = await startServer();
  await using client = await Program.start(
    "client.ts",
    ["--server", server.url.origin, "--open"],
    { ...PROBED, env: { PATH: folder.path } },
  );
  await eventually("the end of the permission", () => {
    client.signal("SIGUSR2");
    return client.stderr.all.includes("may: net; did: .");
  });
  assertEquals(await Deno.readTextFile(opened), `${client.url.origin}\n`);
});

Deno.test("A client that may reach its server and its service alone, as README says, works, also after a loss", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using first = await startServer();
  const port = first.url.port;
  await using client = await Program.start("client.ts", [
    ...["--server", `http://127.0.0.1:${port}`, "--host", "127.0.0.1"],
    ...["--port", `${origin.port}`, "--inspect", "off"],
  ], {
    permissions: [
      ...["--no-prompt", `--allow-net=127.0.0.1:${port},127.0.0.1:${origin.port}`],
      ...["--allow-env", "--allow-read", "--allow-write"],
    ],
  });
  await using tunnel = new Tunnel(first, client, new AsyncDisposableStack());
  assertEquals((await tunnel.request("/")).text, "ok");
  await first.stop("SIGKILL");
  await using second = await startServerAt(port);
  await using again = new Tunnel(second, client, new AsyncDisposableStack());
  await eventually("the tunnel", async () => (await again.request("/")).text === "ok");
});

Deno.test("An executable gives up the same, whatever it was compiled with", {
  ignore: ignore || !await hasCompiler(),
}, async () => {
  await using folder = await TempDir.make();
  const script = new URL("../testing/permissions_given_up.ts", import.meta.url);
  // As the programs are compiled: --allow-all would be more, and Deno before 2.9 does not take all of it back.
  const given = ["net", "env", "read", "write", "run"].map((name) => `--allow-${name}`);
  const file = `${folder.path}/probe`;
  assertEquals(
    (await compileScript(fileURLToPath(script), file, ["--no-prompt", ...given])).success,
    true,
  );
  await using probe = Executable.start(file, [], {});
  await within(probe.stdout.find(/^ready$/), "the executable");
  probe.signal("SIGUSR2");
  const answer = await within(probe.stderr.find(/^may: /), "the answer");
  assertEquals(answer?.input, "may: net; did: .");
});

/** Asks a program what may be done in it. */
async function permissionsOf(program: Program): Promise<string> {
  program.signal("SIGUSR2");
  return (await within(program.stderr.find(/^may: .*; did: .*\.$/), "the answer"))?.[0] ?? "";
}
