import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { CERTIFICATE } from "../testing/certificate.ts";
import { freePort } from "../testing/free_port.ts";
import { hasPebble, Pebble } from "../testing/pebble.ts";
import { within } from "../testing/within.ts";
import { acmeServerArgs, connectTrusting, DOMAIN } from "./acme.ts";
import { compile, Executable, hasExecutables } from "./executable.ts";
import { Pattern } from "../testing/pattern.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { parseEcho, SampleOrigin } from "../testing/sample_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";

/** Bytes of an upload: several windows of the tunnel. */
const UPLOAD = 3 * 1024 * 1024;

/** Milliseconds for a certificate: an order takes a dozen requests, half of which are refused once and sent again. */
const PATIENCE = 60_000;

/** Milliseconds: more than a visitor waits before its leaving is watched for. */
const WATCHED_AFTER = 500;

const ignore = !await hasExecutables();

Deno.test(
  "The executables make a tunnel, with no more than an empty home folder",
  { ignore },
  async (t) => {
    await using folder = await TempDir.make();
    await using home = await TempDir.make();
    const programs = await compile(folder.path);
    const env = { HOME: home.path, APPDATA: home.path };
    const [serverFile, clientFile] = [`${programs}/tunnel-server`, `${programs}/tunnel-client`];

    for (const file of [serverFile, clientFile]) {
      const name = file.slice(programs.length + 1);
      await t.step(`${name} --version prints the version of deno.json`, async () => {
        const { code, stdout, stderr } = await Executable.run(file, ["--version"]);
        assertEquals([code, stdout, stderr], [0, `${config.version}\n`, ""]);
      });
      await t.step(`${name} --help tells the flags`, async () => {
        const { code, stdout, stderr } = await Executable.run(file, ["--help"]);
        assertEquals([code, stderr], [0, ""]);
        assertMatch(stdout, new RegExp(`^Usage: ${name} `, "m"));
        assertMatch(stdout, /--port/);
      });
      await t.step(`${name} refuses a flag that is unknown with status 2`, async () => {
        const { code, stdout, stderr } = await Executable.run(file, ["--unknown"]);
        assertEquals([code, stdout], [2, ""]);
        assertEquals(stderr.trim().split("\n").length, 1);
      });
    }

    const listening = ["--hostname", "127.0.0.1", "--port", "0"];
    await using server = Executable.start(serverFile, listening, env);
    const serverUrl = await server.url();
    const port = Number(serverUrl.port);

    await using origin = SampleOrigin.start();
    const publish = (origin: { port: number }, ...args: string[]) =>
      Executable.start(
        clientFile,
        ["--server", serverUrl.origin, ...args, `127.0.0.1:${origin.port}`],
        env,
      );
    await using client = publish(origin);
    const { host } = await client.url();

    await t.step("a request and an upload go through", async () => {
      using visitor = await RawHTTP.open(port);
      const page = await visitor.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assertMatch(page.text, /It works/);
      const [response] = await Promise.all([
        visitor.receiveAll("POST"),
        (async () => {
          await visitor.send(
            `POST /echo HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${UPLOAD}\r\n\r\n`,
          );
          for (const piece of new Pattern().pieces(UPLOAD)) await visitor.send(piece);
        })(),
      ]);
      const { length, sha256 } = parseEcho(response.text);
      assertEquals({ length, sha256 }, { length: UPLOAD, sha256: origin.sha256(UPLOAD) });
    });

    await t.step("a WebSocket goes through, also to a service that takes its time", async () => {
      await using webSockets = await WebSocketOrigin.start({
        // A visitor that waits is watched by then, and an executable is told that it leaves when it is let in.
        verifyClient: (_info, accept) => setTimeout(() => accept(true), WATCHED_AFTER),
      });
      await using labelled = publish(webSockets, "--label", "room");
      const { host } = await labelled.url();
      using visitor = await openWebSocket(`ws://127.0.0.1:${port}/`, { headers: { host } });
      const { peer } = await webSockets.next();
      visitor.send("up");
      assertEquals(await peer.next(), "up");
      peer.send(new Uint8Array(1_000));
      assertEquals(await visitor.next(), new Uint8Array(1_000));
    });

    await t.step("a certificate is read, and trusted where the environment says so", async () => {
      const { certFile, keyFile } = CERTIFICATE;
      const args = [...listening, "--tls-cert", certFile, "--tls-key", keyFile];
      await using secure = Executable.start(serverFile, args, env);
      const { port } = await secure.url();
      await using client = Executable.start(
        clientFile,
        ["--server", `https://127.0.0.1:${port}`, `127.0.0.1:${origin.port}`],
        { ...env, DENO_CERT: certFile },
      );
      assertEquals((await client.url()).protocol, "https:");
    });

    await t.step({
      name: "the server gets a certificate by itself, and goes on with it when it starts again",
      ignore: !hasPebble,
      fn: async () => {
        await using state = await TempDir.make();
        const dnsPort = freePort();
        await using pebble = await Pebble.start({ dnsPort });
        const args = acmeServerArgs({ pebble, state: state.path, dnsPort, resolverPort: dnsPort });
        for (const isFirst of [true, false]) {
          await using secure = Executable.start(serverFile, args, { ...env, ...pebble.trusting });
          const { port } = await secure.url();
          const line = secure.stderr.find(/a new certificate is used/);
          if (isFirst) assert(await within(line, "a certificate", PATIENCE), `${secure.stderr}`);
          const root = await pebble.root();
          (await connectTrusting(Number(port), { hostname: `any.${DOMAIN}`, root })).close();
        }
      },
    });

    await t.step(
      "the home folder has the key, which nobody else can read, and nothing more",
      async () => {
        assertEquals(await filesIn(home.path), [KEY_FILE]);
        const { mode } = await Deno.stat(`${home.path}/${KEY_FILE}`);
        if (mode !== null && Deno.build.os !== "windows") assertEquals(mode & 0o777, 0o600);
      },
    );

    await t.step({
      name: "SIGTERM ends both with status 0",
      // Windows has no such signal: the process would be ended without being asked.
      ignore: Deno.build.os === "windows",
      fn: async () => {
        assertEquals(await client.stop("SIGTERM"), 0);
        assertEquals(await server.stop("SIGTERM"), 0);
      },
    });
  },
);

const FOLDERS: Readonly<Record<string, string>> = {
  darwin: "Library/Application Support/",
  windows: "",
};

const KEY_FILE = `${FOLDERS[Deno.build.os] ?? ".config/"}tunnel/key.pem`;

/** Lists the files in a folder and below, by their paths from there. */
async function filesIn(folder: string, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
    const path = `${prefix}${name}`;
    if (isDirectory) files.push(...await filesIn(folder, `${path}/`));
    else files.push(path);
  }
  return files;
}
