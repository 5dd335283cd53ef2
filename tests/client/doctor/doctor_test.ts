import { assertEquals, assertMatch } from "@std/assert";
import type { Finding } from "../../../lib/cli/doctor/finding.ts";
import { type ExaminationOptions, examine } from "../../../lib/client/doctor/doctor.ts";
import { newSigningKey } from "../../testing/ed25519.ts";
import { CERTIFICATE, pathOf, readCertificate } from "../../testing/certificate.ts";
import { ForwardProxy } from "../../testing/forward_proxy.ts";
import { freePort } from "../../testing/free_port.ts";
import { freePorts, isInstalled } from "../../testing/front_proxy.ts";
import { nginxIn } from "../../testing/nginx.ts";
import { Program } from "../../testing/program.ts";
import { TempDir } from "../../testing/temp_dir.ts";
import { startServer } from "../../testing/tunnel.ts";
import { TLSPort } from "../../testing/tls_port.ts";

const hasNginx = isInstalled("nginx");

/** Milliseconds that a doctor waits for what is held back. */
const SHORT = 1_000;

Deno.test("a doctor finds nothing wrong with a server that is reached directly", async () => {
  await using server = await startServer();
  const findings = await examined({ server: server.url.origin, silence: 100 });
  assertEquals(findings.map(({ check, verdict }) => `${verdict} ${check}`), [
    "right name",
    "unknown TLS",
    "right WebSocket",
    "right registration",
    "right public URL",
    "right bytes",
    "right cookies",
    "right events",
    "right upload",
    "right messages",
    "right round trip",
    "right large download",
    "right large upload",
    "right silence",
  ]);
});

Deno.test(
  "a doctor finds nothing wrong behind nginx, and says whose certificate that is",
  { ignore: !hasNginx },
  async () => {
    const findings = await behindNginx([["proxy_pass_header Server;", ""]], {});
    assertEquals(wrongOnes(findings), []);
    assertMatch(textOf(findings, "TLS"), /for localhost, \*\.localhost, .* \d+ days left$/);
    assertMatch(textOf(findings, "WebSocket"), /^opened, through a proxy \(nginx/);
  },
);

/** Where there is no name server, a name that does not exist cannot be told from others. */
const NO_ADDRESS = /its name has no address|no name server answers/;

/** What nginx must not do, and what a doctor says of it. */
const NGINX_FAULTS: readonly {
  readonly fault: string;
  readonly changes: readonly (readonly [text: string, replacement: string])[];
  readonly options?: Partial<ExaminationOptions>;
  readonly check: string;
  readonly text: RegExp;
  readonly advice: RegExp;
}[] = [
  {
    fault: "collects answers",
    changes: [["proxy_buffering off;", "proxy_buffering on;"]],
    options: { patience: SHORT },
    check: "events",
    text: /^arrive 1(\.\d)? s late, all at once$/,
    advice: /proxy_buffering off/,
  },
  {
    fault: "collects uploads",
    changes: [["proxy_request_buffering off;", ""]],
    options: { patience: SHORT },
    check: "upload",
    text: /^nothing arrived within 1 s/,
    advice: /proxy_request_buffering off/,
  },
  {
    fault: "caps bodies",
    changes: [["client_max_body_size 0;", "client_max_body_size 10k;"]],
    check: "large upload",
    text: /status 413/,
    advice: /client_max_body_size 0/,
  },
  {
    fault: "drops Upgrade",
    changes: [["proxy_set_header Upgrade $http_upgrade;", ""]],
    check: "WebSocket",
    text: /status 426/,
    advice: /proxy_set_header Upgrade \$http_upgrade/,
  },
  {
    fault: "drops Upgrade for tunnels alone",
    changes: [[
      "default upgrade;",
      'default upgrade; "~^.*$" $only_for_server;',
    ], [
      "map $http_upgrade $tunnel_connection",
      'map $http_host $only_for_server { default close; "~^localhost" upgrade; }\n' +
      "map $http_upgrade $tunnel_connection",
    ]],
    check: "messages",
    text: /status 4\d\d/,
    advice: /WebSocket/,
  },
  {
    fault: "asks for another host",
    changes: [["Host $http_host;", "Host localhost;"]],
    check: "public URL",
    text: /status 404/,
    advice: /proxy_set_header Host \$http_host/,
  },
  {
    fault: "tidies up targets",
    changes: [[
      "proxy_pass http://$tunnel_upstream;",
      "proxy_pass http://$tunnel_upstream$uri$is_args$args;",
    ]],
    check: "bytes",
    text: /^the target arrived as /,
    advice: /proxy_pass/,
  },
  {
    fault: "compresses",
    changes: [["gzip off;", "gzip on; gzip_types text/plain; gzip_proxied any;"]],
    check: "bytes",
    text: /compressed on the way \(gzip\)/,
    advice: /gzip off/,
  },
  {
    fault: "replaces the pages of services",
    changes: [[
      "proxy_buffering off;",
      "proxy_buffering off; proxy_intercept_errors on; error_page 404 /none;",
    ]],
    check: "bytes",
    text: /came another one \(404\)/,
    advice: /proxy_intercept_errors off/,
  },
  {
    fault: "takes cookies away",
    changes: [["proxy_buffering off;", "proxy_buffering off; proxy_hide_header Set-Cookie;"]],
    check: "cookies",
    text: /^of 2 cookies that were set 0 came/,
    advice: /each Set-Cookie/,
  },
  {
    fault: "takes short heads alone",
    changes: [["gzip off;", "gzip off; large_client_header_buffers 4 2k;"]],
    check: "bytes",
    text: /status 400|not arrive|closed/,
    advice: /heads/,
  },
  {
    fault: "cuts what is silent",
    changes: [["proxy_read_timeout 1d;", "proxy_read_timeout 1s;"]],
    options: { silence: 5_000 },
    check: "silence",
    text: /^a silent stream was cut after \d[\d.]* m?s$/,
    advice: /proxy_read_timeout/,
  },
];

for (const { fault, changes, options = {}, check, text, advice } of NGINX_FAULTS) {
  Deno.test(`a doctor finds that nginx ${fault}`, { ignore: !hasNginx }, async () => {
    const [found, ...others] = wrongOnes(await behindNginx(changes, options));
    assertEquals([found?.check, others], [check, []]);
    assertMatch(found?.text ?? "", text);
    assertMatch(found?.advice ?? "", advice);
  });
}

Deno.test("a doctor finds a public name that has no address", async () => {
  await using server = await startServer(["--domain", "tunnel.invalid", "--open"]);
  const findings = await examined({ server: `http://127.0.0.1:${server.url.port}` });
  assertWrong(findings, "public URL", NO_ADDRESS, /\*\.tunnel\.invalid A /);
});

Deno.test("a doctor finds a certificate that has no wildcard for tunnels", async () => {
  const { certFile, keyFile } = CERTIFICATE;
  await using server = await startServer([
    ...["--tls-cert", certFile, "--tls-key", keyFile, "--domain", "deep.tunnel.localhost"],
  ]);
  const findings = await examined({
    server: `https://localhost:${server.url.port}`,
    authorities: [readCertificate()],
  });
  assertWrong(findings, "public URL", /not for .*deep\.tunnel\.localhost/, /\*\.deep\.tunnel/);
});

Deno.test("a doctor finds a wrong name", async () => {
  const findings = await examined({ server: "https://tunnel.invalid" });
  assertWrong(findings, "name", NO_ADDRESS, /Check the spelling of tunnel\.invalid|network/);
});

Deno.test("a doctor finds a port that nothing listens on", async () => {
  const findings = await examined({ server: `http://127.0.0.1:${freePort()}` });
  assertWrong(findings, "connection", /nothing listens there/, /Check that the server runs/);
});

Deno.test("a doctor finds a certificate that has expired", async () => {
  await using server = new TLSPort("expired.pem");
  const findings = await examined({
    server: `https://localhost:${server.port}`,
    authorities: [authority()],
  });
  assertWrong(findings, "TLS", /its certificate expired on \d{4}-/, /Renew it at the server/);
});

Deno.test("a doctor finds a certificate that nobody knows, and one for another name", async () => {
  await using unknown = new TLSPort("cert.pem");
  assertWrong(
    await examined({ server: `https://localhost:${unknown.port}` }),
    "TLS",
    /does not know the authority/,
    /--server-ca/,
  );
  await using other = new TLSPort("other_name.pem");
  const findings = await examined({
    server: `https://localhost:${other.port}`,
    authorities: [authority()],
  });
  assertWrong(findings, "TLS", /not for localhost/, /Use a name/);
});

Deno.test("a doctor finds that a server wants another token", async () => {
  await using server = await startServer(["--token", "the-right-one-of-32-bytes"]);
  const findings = await examined({
    server: server.url.origin,
    token: "the-wrong-one-of-32-bytes",
  });
  assertWrong(findings, "registration", /the token is not this server's/, /TUNNEL_TOKEN/);
});

Deno.test("a doctor finds that what answers is no tunnel server", async () => {
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("a shop"),
  );
  const findings = await examined({ server: `http://127.0.0.1:${web.addr.port}` });
  assertWrong(findings, "WebSocket", /status 200 \(a shop\)/, /is no tunnel server/);
});

Deno.test(
  "a doctor finds a proxy that leads nowhere, and one that wants a login",
  { ignore: !isInstalled("tinyproxy") },
  async () => {
    await using server = await startServer();
    const connectPort = Number(server.url.port);
    const nowhere = { host: "127.0.0.1", port: freePort(), authorization: null };
    assertWrong(
      await examined({ server: server.url.origin, proxy: nowhere }),
      "proxy",
      /its proxy cannot be reached: nothing listens there/,
      /Check --proxy/,
    );
    await using proxy = await ForwardProxy.tinyproxy({ connectPort });
    const closed = { host: "127.0.0.1", port: proxy.port, authorization: null };
    assertWrong(
      await examined({ server: server.url.origin, proxy: closed }),
      "proxy",
      /with status 40[17]/,
      /It wants a login/,
    );
  },
);

/** Examines the way to a server behind nginx, whose configuration is changed. */
async function behindNginx(
  changes: readonly (readonly [text: string, replacement: string])[],
  options: Partial<ExaminationOptions>,
): Promise<Finding[]> {
  await using folder = await TempDir.make();
  const ports = freePorts();
  await using _server = await Program.start("server.ts", [
    ...["--hostname", "127.0.0.1", "--port", `${ports.server}`, "--trust-proxy", "loopback"],
    ...["--domain", "tunnel.localhost", "--public-url", `https://localhost:${ports.proxy}`],
    ...["--client-port", `${ports.clients}`],
  ]);
  const { proxy, authorityFile } = await nginxIn(folder.path, changes)(ports);
  await using _proxy = proxy;
  return await examined({
    server: `https://localhost:${ports.proxy}`,
    authorities: [await Deno.readTextFile(authorityFile)],
    ...options,
  });
}

async function examined(options: Partial<ExaminationOptions>): Promise<Finding[]> {
  const findings = examine({
    server: "",
    proxy: null,
    authorities: [],
    token: null,
    key: await newSigningKey(),
    size: 200_000,
    silence: null,
    ...options,
  });
  return await Array.fromAsync(findings);
}

function assertWrong(
  findings: readonly Finding[],
  check: string,
  text: RegExp,
  advice: RegExp,
): void {
  const [found, ...others] = wrongOnes(findings);
  assertEquals([found?.check, others], [check, []]);
  assertMatch(found?.text ?? "", text);
  assertMatch(found?.advice ?? "", advice);
}

function wrongOnes(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ verdict }) => verdict === "wrong");
}

function textOf(findings: readonly Finding[], check: string): string {
  return findings.find((finding) => finding.check === check)?.text ?? "";
}

function authority(): string {
  return Deno.readTextFileSync(pathOf("authority.pem"));
}
