import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Environment, UsageError } from "../../lib/cli/command_line.ts";
import { makesToken, parseServerOptions, type ServerOptions } from "../../lib/server/options.ts";

function options(args: string[], environment: Environment = {}): ServerOptions {
  const command = parseServerOptions(args, environment);
  assert(command.kind === "run");
  return command.options;
}

function refuses(args: string[], message: string, environment: Environment = {}): void {
  const error = assertThrows(() => parseServerOptions(args, environment), UsageError);
  assertStringIncludes(error.message, message);
}

Deno.test("parseServerOptions has the defaults of the README", () => {
  assertEquals(options([]), {
    port: 6519,
    listener: "serve",
    proxyProtocol: false,
    httpPort: null,
    hsts: null,
    acme: null,
    hostname: "0.0.0.0",
    domain: "localhost",
    publicUrl: null,
    timeout: 30_000,
    tls: null,
    trustProxy: null,
    fixed: false,
    clientPort: null,
    reusePort: false,
    acquireTimeout: 5_000,
    drainTimeout: 30_000,
    bus: "memory",
    nodeUrl: null,
    token: null,
    authorizedKeys: null,
    open: false,
    state: null,
    adminToken: null,
    adminPort: null,
    maxBody: null,
    rateLimit: null,
    maxStreams: 1000,
    maxVisitorStreams: null,
    maxHead: 65_536,
    maxMessage: 67_108_864,
    maxWebsockets: 2_000,
    maxTunnelWebsockets: 500,
    maxVisitorWebsockets: 200,
    websocketIdleTimeout: 300_000,
    bodyTimeout: 60_000,
    headTimeout: 15_000,
    keepaliveTimeout: 75_000,
    stallTimeout: 60_000,
    maxOpenConnections: 10_000,
    maxVisitorConnections: 1_000,
    maxTunnels: 20_000,
    maxConnections: 64,
    metricsTunnels: 0,
    registrationRate: { count: 600, period: 60_000 },
    accessLog: false,
    logFormat: null,
    logLevel: "info",
  });
});

Deno.test("parseServerOptions reads every flag", () => {
  const { trustProxy, ...others } = options([
    "--port=0",
    "--hostname=[::]",
    "--domain=Tunnel.Example.com.",
    "--public-url=HTTPS://Tunnel.Example.com:443/",
    "--timeout=500ms",
    "--tls-cert=a.pem",
    "--tls-key=b.pem",
    "--http-port=8080",
    "--listener=own",
    "--hsts=31536000",
    "--trust-proxy=loopback, 10.0.0.0/8",
    "--fixed",
    "--client-port=6520",
    "--reuse-port",
    "--acquire-timeout=2s",
    "--drain-timeout=1m",
    "--bus=redis://localhost:6379/1",
    "--node-url=http://10.0.0.7:6519/",
    "--token=correct horse battery",
    "--authorized-keys=keys",
    "--state=folder",
    "--admin-token=a stapled battery",
    "--admin-port=9090",
    "--max-body=500kb",
    "--rate-limit=100/s",
    "--max-streams=10",
    "--max-visitor-streams=5",
    "--max-head=32kib",
    "--max-message=1MB",
    "--max-websockets=30",
    "--max-tunnel-websockets=20",
    "--max-visitor-websockets=10",
    "--websocket-idle-timeout=2m",
    "--body-timeout=50s",
    "--head-timeout=5s",
    "--keepalive-timeout=6s",
    "--stall-timeout=7s",
    "--max-open-connections=500",
    "--max-visitor-connections=50",
    "--max-tunnels=3",
    "--max-connections=4",
    "--metrics-tunnels=100",
    "--registration-rate=6/m",
    "--access-log",
    "--log-format=json",
    "--log-level=debug",
  ]);
  assert(trustProxy?.has("10.1.1.1") && trustProxy.has("::1") && !trustProxy.has("11.1.1.1"));
  assertEquals(others, {
    port: 0,
    listener: "own",
    proxyProtocol: false,
    httpPort: 8080,
    hsts: 31_536_000,
    acme: null,
    hostname: "::",
    domain: "tunnel.example.com",
    publicUrl: "https://tunnel.example.com",
    timeout: 500,
    tls: { certFile: "a.pem", keyFile: "b.pem" },
    fixed: true,
    clientPort: 6520,
    reusePort: true,
    acquireTimeout: 2_000,
    drainTimeout: 60_000,
    bus: "redis://localhost:6379/1",
    nodeUrl: "http://10.0.0.7:6519",
    token: "correct horse battery",
    authorizedKeys: "keys",
    open: false,
    state: "folder",
    adminToken: "a stapled battery",
    adminPort: 9090,
    maxBody: 500_000,
    rateLimit: { count: 100, period: 1000 },
    maxStreams: 10,
    maxVisitorStreams: 5,
    maxHead: 32_768,
    maxMessage: 1_000_000,
    maxWebsockets: 30,
    maxTunnelWebsockets: 20,
    maxVisitorWebsockets: 10,
    websocketIdleTimeout: 120_000,
    bodyTimeout: 50_000,
    headTimeout: 5_000,
    keepaliveTimeout: 6_000,
    stallTimeout: 7_000,
    maxOpenConnections: 500,
    maxVisitorConnections: 50,
    maxTunnels: 3,
    maxConnections: 4,
    metricsTunnels: 100,
    registrationRate: { count: 6, period: 60_000 },
    accessLog: true,
    logFormat: "json",
    logLevel: "debug",
  });
});

Deno.test("parseServerOptions takes TUNNEL_ variables and PORT", () => {
  const read = options([], {
    PORT: "80",
    TUNNEL_DOMAIN: "a.example",
    TUNNEL_OPEN: "true",
    TUNNEL_TRUST_PROXY: "::1,10.0.0.1",
  });
  assertEquals([read.port, read.domain], [80, "a.example"]);
  assert(read.trustProxy?.has("10.0.0.1") && read.trustProxy.has("::1"));
});

Deno.test("parseServerOptions refuses a domain that is not a DNS name", () => {
  for (
    const domain of [
      "a b",
      "a..b",
      "-é",
      "a:80",
      "a:",
      "127.0.0.1",
      "[::1]",
      "http://a",
      "*.a",
      "a/",
      "a".repeat(64),
      `${"a.".repeat(100)}a`,
    ]
  ) refuses([`--domain=${domain}`], "--domain must be a DNS name");
});

Deno.test("parseServerOptions reads listen addresses and names", () => {
  for (const hostname of ["127.0.0.1", "::1", "::", "localhost"]) {
    assertEquals(options([`--hostname=${hostname}`]).hostname, hostname);
  }
  for (const hostname of ["a:80", "127.0.0.1:80", "256.1.1.1", "[::1", "a/b"]) {
    refuses([`--hostname=${hostname}`], "--hostname must be an address or a host name");
  }
});

Deno.test("parseServerOptions normalizes the public URL to an origin, and refuses anything more", () => {
  const url = (text: string) => options([`--public-url=${text}`, "--open"]).publicUrl;
  assertEquals(url("http://A.example:80/"), "http://a.example");
  assertEquals(url("https://a.example:8443"), "https://a.example:8443");
  assertEquals(url("http://[::1]:6519"), "http://[::1]:6519");
  for (
    const text of [
      "a.example",
      "ftp://a",
      "https://a/b",
      "https://a/?q",
      "https://u@a",
      "https://",
      "https://a:99999",
      "https://a b",
    ]
  ) {
    refuses(
      [`--public-url=${text}`],
      "--public-url must be like https://example.com, without a path",
    );
  }
});

const ACME = ["--domain=tunnel.example.com", "--acme=you@example.com"];

Deno.test("parseServerOptions takes the ports of the web with --acme, and a second listener for renewals", () => {
  const { port, httpPort, reusePort, acme, state } = options(ACME, { HOME: "/home/ann" });
  assertEquals(state, "/home/ann/.local/state/tunnel-server");
  assertEquals([port, httpPort, reusePort], [443, 80, Deno.build.os === "linux"]);
  assertEquals(acme, {
    mail: "you@example.com",
    directory: "https://acme-v02.api.letsencrypt.org/directory",
    external: null,
    dnsPort: 53,
    resolver: "system",
    hook: null,
    secret: null,
  });
});

Deno.test("parseServerOptions reads every flag of --acme, and the folder that systemd gives", () => {
  const { port, httpPort, acme, state } = options([
    ...ACME,
    ...["--port=8443", "--http-port=off", "--acme-directory=https://ca.example:14000/dir"],
    ...["--acme-dns-port=5353", "--acme-resolver=[::1]:5300", "--acme-hook=/bin/hook"],
    "--acme-key-id=kid",
  ], { TUNNEL_ACME_HMAC_KEY: "c2VjcmV0", STATE_DIRECTORY: "/var/lib/tunnel", HOME: "/root" });
  assertEquals([port, httpPort], [8443, null]);
  assertEquals(acme, {
    mail: "you@example.com",
    directory: "https://ca.example:14000/dir",
    external: { keyId: "kid", hmacKey: "c2VjcmV0" },
    dnsPort: 5353,
    resolver: { ipAddr: "::1", port: 5300 },
    hook: "/bin/hook",
    secret: null,
  });
  assertEquals(state, "/var/lib/tunnel");
  const staging = options([...ACME, "--acme-directory=staging", "--acme-resolver=1.1.1.1"], {
    XDG_STATE_HOME: "/state",
  });
  assertEquals(
    staging.acme?.directory,
    "https://acme-staging-v02.api.letsencrypt.org/directory",
  );
  assertEquals(staging.acme?.resolver, { ipAddr: "1.1.1.1", port: 53 });
  assertEquals(staging.state, "/state/tunnel-server");
});

Deno.test("parseServerOptions refuses what cannot be meant beside --acme, or without it", () => {
  const home = { HOME: "/root" };
  refuses(["--acme=you@example.com"], "--acme needs --domain", home);
  refuses(["--acme=a@b.c", "--domain=a.localhost"], "--acme needs --domain", home);
  refuses([...ACME, "--open"], "--acme needs --state");
  refuses([...ACME, "--tls-cert=a", "--tls-key=b"], "--tls-cert is one too many", home);
  refuses([...ACME, "--fixed", "--http-port=off"], "needs --http-port", home);
  const nodes = [...ACME, "--bus=redis://localhost", "--open"];
  refuses(nodes, "--acme with --bus needs --acme-secret", home);
  const secret = "--acme-secret=0123456789abcdef";
  options([...nodes, secret], home);
  refuses([...ACME, secret], "--acme-secret needs --bus", home);
  refuses([...ACME, "--acme-key-id=a"], "needs --acme-hmac-key", home);
  refuses([...ACME, "--acme-hmac-key=c2VjcmV0"], "needs --acme-key-id", home);
  refuses([...ACME, "--acme-directory=http://ca.example/"], "must be staging or a URL", home);
  refuses([...ACME, "--acme-resolver=dns.example"], "must be an address", home);
  for (const mail of ["you", "a@b@c", "a,b@c", "Ann <ann@example.com>", "a@b?cc=d"]) {
    refuses(["--domain=tunnel.example.com", `--acme=${mail}`], "must be a mail address", home);
  }
  refuses(["--acme-hook=a"], "--acme-hook needs --acme as well");
  refuses(["--hsts=1"], "--hsts needs --acme or --tls-cert");
  refuses(["--http-port=80"], "--http-port needs --acme or --tls-cert");
  const error = assertThrows(
    () => parseServerOptions([...ACME, "--acme-hmac-key=not base64"], home),
    UsageError,
  );
  assert(!error.message.includes("not base64"), "a secret is not shown");
});

Deno.test("A server with a name of the world's makes a token, unless it is told whom to let in", () => {
  const home = { HOME: "/root" };
  const makes = (...args: string[]) => makesToken(options(args, home));
  assert(!makes() && !makes("--domain=a.localhost") && !makes("--public-url=http://127.0.0.1:80"));
  assert(makes("--domain=tunnel.example.com") && makes("--public-url=https://a.example"));
  assert(makes(...ACME));
  for (const told of ["--token=0123456789abcdef", "--authorized-keys=a", "--open"]) {
    assert(!makes("--domain=tunnel.example.com", told), told);
  }
  assert(options(["--domain=tunnel.example.com", "--open"]).open, "no folder is needed");
  refuses(["--domain=tunnel.example.com"], "a folder to keep it in, or --token");
  const bus = ["--domain=tunnel.example.com", "--bus=redis://localhost"];
  refuses(bus, "--bus needs the same --token or --authorized-keys on each node", home);
  options([...bus, "--token=0123456789abcdef"], home);
  refuses(["--open", "--token=0123456789abcdef"], "so --token is one too many");
  refuses(["--open", "--authorized-keys=a"], "so --authorized-keys is one too many");
});

Deno.test("parseServerOptions needs both TLS files or none", () => {
  refuses(["--tls-cert=a"], "--tls-cert needs --tls-key as well");
  refuses(["--tls-key=a"], "--tls-key needs --tls-cert as well");
  refuses([], "--tls-cert needs --tls-key as well", { TUNNEL_TLS_CERT: "a" });
});

Deno.test("parseServerOptions refuses bad addresses to trust, with the value", () => {
  refuses(
    ["--trust-proxy=10.0.0.0/8,everybody"],
    '--trust-proxy must be addresses, networks, loopback or private, with commas between, not "10.0.0.0/8,everybody"',
  );
});

Deno.test("parseServerOptions takes no positional, and no flag that is not there", () => {
  refuses(["8080"], 'unexpected argument "8080"');
  for (const flag of ["--secret", "--redis"]) refuses([`${flag}=x`], `unknown flag ${flag}`);
});

Deno.test("parseServerOptions reads sizes in thousands and in powers of two, and refuses others", () => {
  const size = (text: string) => options([`--max-body=${text}`]).maxBody;
  assertEquals(["7", "500kb", "1.5MB", "1GiB"].map(size), [7, 500_000, 1_500_000, 1_073_741_824]);
  for (const text of ["x", ".5mb", "1tb", "-1", "1 kb", "kb", "1e3"]) {
    refuses([`--max-body=${text}`], "--max-body must be a size such as 500kb");
  }
  refuses(["--max-body=0"], "--max-body must be a size of 1b or more, not");
  refuses(["--max-message=1gib"], "--max-message must be a size from 125b to 64mib, not");
  refuses(["--max-visitor-streams=0"], "--max-visitor-streams must be");
});

Deno.test("parseServerOptions refuses a malformed rate", () => {
  for (const text of ["100", "0/s", "1/d", "1.5/s", "9999999/s", "/s"]) {
    refuses([`--rate-limit=${text}`], "--rate-limit must be a rate such as 100/s");
  }
});

Deno.test("parseServerOptions refuses a bus that is neither memory nor Redis", () => {
  for (const text of ["http://localhost", "redis://", "redis://host/name", "redis://host:0x1"]) {
    refuses([`--bus=${text}`], "--bus must be memory or a URL such as redis://");
  }
  // A password is not repeated.
  refuses(["--bus=redis//user:secret@host"], 'redis://localhost:6379, not "…@host"');
});

Deno.test("parseServerOptions takes --proxy-protocol where trusted proxies send it before plain HTTP", () => {
  const own = ["--proxy-protocol", "--listener=own", "--trust-proxy=loopback"];
  assertEquals(options(own).proxyProtocol, true);
  const wrong = [
    ["--proxy-protocol", "--trust-proxy=loopback"],
    ["--proxy-protocol", "--listener=own"],
    [...own, "--tls-cert=a.pem", "--tls-key=b.pem"],
  ];
  for (const args of wrong) assertThrows(() => options(args), UsageError, "--proxy-protocol");
});

Deno.test("parseServerOptions shows exactly its flags in --help, within 80 columns", () => {
  const command = parseServerOptions(["--help"], {});
  assert(command.kind === "help");
  const flags = [...command.text.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)].map((match) => match[1]);
  assertEquals(flags.toSorted(), [
    "access-log",
    "acme",
    "acme-directory",
    "acme-dns-port",
    "acme-hmac-key",
    "acme-hook",
    "acme-key-id",
    "acme-resolver",
    "acme-secret",
    "acquire-timeout",
    "admin-port",
    "admin-token",
    "authorized-keys",
    "body-timeout",
    "bus",
    "client-port",
    "domain",
    "drain-timeout",
    "fixed",
    "head-timeout",
    "help",
    "hostname",
    "hsts",
    "http-port",
    "keepalive-timeout",
    "listener",
    "log-format",
    "log-level",
    "max-body",
    "max-connections",
    "max-head",
    "max-message",
    "max-open-connections",
    "max-streams",
    "max-tunnel-websockets",
    "max-tunnels",
    "max-visitor-connections",
    "max-visitor-streams",
    "max-visitor-websockets",
    "max-websockets",
    "metrics-tunnels",
    "node-url",
    "open",
    "port",
    "proxy-protocol",
    "public-url",
    "rate-limit",
    "registration-rate",
    "reuse-port",
    "stall-timeout",
    "state",
    "timeout",
    "tls-cert",
    "tls-key",
    "token",
    "trust-proxy",
    "version",
    "websocket-idle-timeout",
  ]);
  for (const row of command.text.split("\n")) assert(row.length <= 80, row);
  assertEquals(parseServerOptions(["--version"], {}), { kind: "version" });
});

Deno.test("parseServerOptions refuses tokens that can be guessed, of clients and of operators, and does not show them", () => {
  for (const flag of ["--token", "--admin-token"]) {
    for (const token of ["hunter2", "hunter2hunter2!", "ü".repeat(7)]) {
      const error = assertThrows(
        () => parseServerOptions([`${flag}=${token}`], {}),
        UsageError,
        `${flag} must have 16 bytes or more, which nobody can guess: openssl rand -hex 32`,
      );
      assert(!error.message.includes(token), error.message);
    }
  }
  for (const token of ["x".repeat(16), "ü".repeat(8)]) {
    const environment = { TUNNEL_TOKEN: token, TUNNEL_ADMIN_TOKEN: token };
    const command = parseServerOptions([], environment);
    assert(command.kind === "run");
    assertEquals([command.options.token, command.options.adminToken], [token, token]);
  }
});
