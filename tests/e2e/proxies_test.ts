import { assertEquals, assertMatch } from "@std/assert";
import { CERTIFICATE, pathOf } from "../testing/certificate.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { ForwardProxy, PROXY_LOGIN, SQUID_NAME } from "../testing/forward_proxy.ts";
import { freePort } from "../testing/free_port.ts";
import { isInstalled } from "../testing/front_proxy.ts";
import { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startServerAt, Tunnel } from "../testing/tunnel.ts";
import { RawHTTP } from "../testing/raw_http.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const PROXIES = [["squid", ForwardProxy.squid], ["tinyproxy", ForwardProxy.tinyproxy]] as const;

for (const [name, startProxy] of PROXIES) {
  const ignore = !isInstalled(name);

  Deno.test(
    `A client reaches its server through ${name} with --proxy and a login`,
    { ignore },
    async (t) => {
      await using origin = ScriptedOrigin.answering(OK);
      for (const scheme of ["http", "https"] as const) {
        await t.step(`over ${scheme}`, async () => {
          const { certFile, keyFile } = CERTIFICATE;
          const tls = ["--tls-cert", certFile, "--tls-key", keyFile];
          await using server = await startServer(scheme === "https" ? tls : []);
          const port = Number(server.url.port);
          await using proxy = await startProxy({ connectPort: port });
          await using client = await Program.start("client.ts", [
            ...["--proxy", `http://${PROXY_LOGIN}@127.0.0.1:${proxy.port}`],
            ...["--server", `${scheme}://127.0.0.1:${port}`, "--server-ca", certFile],
            `127.0.0.1:${origin.port}`,
          ]);
          await client.stderr.find(
            new RegExp(
              `connected to \\S+ through the proxy 127\\.0\\.0\\.1:${proxy.port}, serving`,
            ),
          );
          await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
          using visitor = scheme === "http"
            ? await tunnel.open()
            : await RawHTTP.openTLS(port, Deno.readTextFileSync(certFile));
          assertEquals((await visitor.exchange(tunnel.write("/"))).text, "ok");
        });
      }
    },
  );

  Deno.test(`A client says what ${name} refuses, and never the password`, { ignore }, async (t) => {
    await using folder = await TempDir.make();
    const key = ["--key", `${folder.path}/key.pem`];
    await runToEnd("client.ts", [...key, "--show-key"]);
    const connectPort = freePort();
    await using proxy = await startProxy({ connectPort });
    const cases = [
      ["no login", "", connectPort, /with status 407 \(.*It wants a login: --proxy/],
      ["a wrong login", "ann:hunter2@", connectPort, /with status 40[17] .*It wants a login/],
      [
        "another port",
        `${PROXY_LOGIN}@`,
        freePort(),
        /status 403 .*Many proxies lead to port 443 alone/,
      ],
      [
        "no server",
        `${PROXY_LOGIN}@`,
        connectPort,
        /status 50\d .*The proxy cannot reach the server/,
      ],
    ] as const;
    for (const [what, login, port, expected] of cases) {
      await t.step(what, async () => {
        const ended = await runToEnd("client.ts", [
          ...key,
          "--once",
          ...["--proxy", `http://${login}127.0.0.1:${proxy.port}`],
          ...["--server", `http://127.0.0.1:${port}`],
        ]);
        assertEquals([ended.code, ended.stdout], [1, ""]);
        assertMatch(ended.stderr, /^[^\n]+\n$/);
        assertMatch(ended.stderr, expected);
        assertEquals(/hunter2|secret/.test(ended.stderr), false, ended.stderr);
      });
    }
  });
}

Deno.test(
  "A client takes the proxy from HTTP_PROXY or HTTPS_PROXY by the server's scheme, which resolves the name",
  { ignore: !isInstalled("squid") },
  async (t) => {
    await using origin = ScriptedOrigin.answering(OK);
    for (const scheme of ["http", "https"] as const) {
      await t.step(scheme, async () => {
        const port = freePort();
        const tls = ["--tls-cert", pathOf("signed.pem"), "--tls-key", CERTIFICATE.keyFile];
        await using server = await startServerAt(port, [
          ...["--domain", SQUID_NAME, "--open"],
          ...(scheme === "https" ? tls : []),
        ]);
        await using proxy = await ForwardProxy.squid({ connectPort: port });
        const variable = `${scheme}_PROXY`.toUpperCase();
        const env = { [variable]: `http://${PROXY_LOGIN}@127.0.0.1:${proxy.port}` };
        const args = [
          ...["--server", `${scheme}://${SQUID_NAME}:${port}`],
          ...["--server-ca", pathOf("authority.pem"), `127.0.0.1:${origin.port}`],
        ];
        await using client = await Program.start("client.ts", args, { env });
        assertEquals(client.url.hostname.endsWith(`.${SQUID_NAME}`), true);
        assertEquals(server.url.origin, `${scheme}://${SQUID_NAME}:${port}`);
      });
    }
  },
);
