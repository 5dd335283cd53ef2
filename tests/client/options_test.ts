import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type ClientOptions, parseClientOptions } from "../../lib/client/options.ts";
import {
  parseAllowedDestination,
  parseDeniedDestination,
} from "../../lib/client/services/destinations/destination_rule.ts";
import { VisitTemplate } from "../../lib/client/services/visit_template.ts";
import { serviceName } from "../../lib/client/services/service_spec.ts";
import { type Environment, UsageError } from "../../lib/cli/command_line.ts";

const PROXY = { host: "p.example", port: 3128, authorization: null };

/** What a file says, and nobody has said. */
const LONE = { tunnel: "", written: "", isInspected: true };

const HOME = { HOME: "/home/me" };

function options(args: string[], environment: Environment = HOME): ClientOptions {
  const command = parseClientOptions(args, environment, { os: "linux" });
  assert(command.kind === "run");
  return command.options;
}

function refuses(args: string[], message: string, environment: Environment = HOME): void {
  const error = assertThrows(
    () => parseClientOptions(args, environment, { os: "linux" }),
    UsageError,
  );
  assertStringIncludes(error.message, message);
}

function service(...args: string[]): string {
  return serviceName(options(args).service);
}

Deno.test("parseClientOptions has the defaults of the README", () => {
  assertEquals(options([]), {
    ...LONE,
    service: { kind: "http", host: "localhost", port: 8080 },
    originCa: null,
    insecureOrigin: false,
    list: false,
    spa: false,
    setRequestHeader: [],
    removeRequestHeader: [],
    setResponseHeader: [],
    removeResponseHeader: [],
    cors: null,
    allowDestination: [],
    denyDestination: [],
    servers: ["http://localhost:6519"],
    proxies: new Map(),
    serverCa: null,
    keyFile: { path: "/home/me/.config/tunnel/key.pem", makesFolder: true },
    label: "",
    name: null,
    token: null,
    basicAuth: [],
    login: false,
    allowIp: [],
    rateLimit: null,
    maxStreams: null,
    maxBody: null,
    timeout: null,
    connections: 2,
    hostHeader: null,
    once: false,
    showKey: false,
    printUnit: false,
    printLaunchd: false,
    inspect: { host: "127.0.0.1", port: 4040 },
    inspectMemory: 64 * 1024 * 1024,
    inspectToken: null,
    logFormat: "text",
    logLevel: "info",
    qr: false,
    open: false,
  });
});

Deno.test("parseClientOptions reads every flag", () => {
  assertEquals(
    options([
      "--port=3000",
      "--host=127.0.0.1",
      "--origin-ca=origin.pem",
      "--insecure-origin",
      "--list",
      "--spa",
      "--set-request-header=X-Env: dev",
      "--remove-request-header=Cookie",
      "--set-response-header=A: b",
      "--remove-response-header=Server",
      "--cors=https://a.example",
      "--allow-destination=https://*.internal/api/*",
      "--deny-destination=10.0.0.0/8",
      "--server=https://a.example",
      "--server",
      "b.example:8080",
      "--key=k.pem",
      "--label=Blog",
      "--name=Shop",
      "--token=t",
      "--basic-auth=ann:a:b",
      "--basic-auth=bob:c",
      "--login",
      "--allow-ip=10.0.0.0/8, ::1",
      "--rate-limit=10/m",
      "--max-streams=5",
      "--max-body=1mb",
      "--timeout=5s",
      "--proxy=http://p.example:3128",
      "--server-ca=ca.pem",
      "--connections=16",
      "--host-header=rewrite",
      "--once",
      "--show-key",
      "--print-unit",
      "--print-launchd",
      "--inspect=[::1]:4050",
      "--inspect-memory=10mib",
      "--inspect-token=s",
      "--log-format=json",
      "--log-level=warn",
      "--qr",
      "--open",
    ]),
    {
      ...LONE,
      service: { kind: "http", host: "127.0.0.1", port: 3000 },
      originCa: "origin.pem",
      insecureOrigin: true,
      list: true,
      spa: true,
      setRequestHeader: [{ name: "x-env", value: new VisitTemplate("dev") }],
      removeRequestHeader: ["cookie"],
      setResponseHeader: [{ name: "a", value: new VisitTemplate("b") }],
      removeResponseHeader: ["server"],
      cors: ["https://a.example"],
      allowDestination: [parseAllowedDestination("https://*.internal:443/api/*")],
      denyDestination: [parseDeniedDestination("10.0.0.0/8")],
      servers: ["https://a.example", "https://b.example:8080"],
      proxies: new Map([["https://a.example", PROXY], ["https://b.example:8080", PROXY]]),
      serverCa: "ca.pem",
      keyFile: { path: "k.pem", makesFolder: false },
      label: "blog",
      name: "shop",
      token: "t",
      basicAuth: [{ user: "ann", password: "a:b" }, { user: "bob", password: "c" }],
      login: true,
      allowIp: ["10.0.0.0/8", "::1"],
      rateLimit: { count: 10, period: 60_000 },
      maxStreams: 5,
      maxBody: 1_000_000,
      timeout: 5_000,
      connections: 16,
      hostHeader: "rewrite",
      once: true,
      showKey: true,
      printUnit: true,
      printLaunchd: true,
      inspect: { host: "::1", port: 4050 },
      inspectMemory: 10 * 1024 * 1024,
      inspectToken: "s",
      logFormat: "json",
      logLevel: "warn",
      qr: true,
      open: true,
    },
  );
});

Deno.test("parseClientOptions takes the positional for --host and --port, wherever it stands", () => {
  assertEquals(service(), "http://localhost:8080");
  assertEquals(service("--host=::1", "--port=80"), "http://[::1]:80");
  assertEquals(service("web:3000"), "http://web:3000");
  assertEquals(service("--once", "3000"), "http://localhost:3000");
  assertEquals(service("--", "3000"), "http://localhost:3000");
});

Deno.test("parseClientOptions puts routes together, with the positional for all the rest", () => {
  assertEquals(
    service("--route", "/api=4000", "--route=/=./dist"),
    "/api → http://localhost:4000, / → ./dist",
  );
  assertEquals(
    service("3000", "--route", "/api=4000"),
    "/api → http://localhost:4000, / → http://localhost:3000",
  );
  assertEquals(
    service("--route=/api/=status:503", "--port=1"),
    "/api → status:503, / → http://localhost:1",
  );
  const environment = { ...HOME, TUNNEL_ROUTE: "/a=1,/b=2", TUNNEL_PORT: "3" };
  assertEquals(
    serviceName(options([], environment).service),
    "/a → http://localhost:1, /b → http://localhost:2",
  );
  refuses(["--route=/a=1", "--route=/a/=2"], "two services are given for /a");
  refuses(["3000", "--route=/=2"], "two services are given for /");
  for (
    const path of ["", "a", "/a?b", "/a%20b", "/../a", "/a/..", "//a", "/a//b", "/a b", "/a;b"]
  ) {
    refuses(
      [`--route=${path}=3000`],
      "--route must be a path without dots for names, and a service",
    );
  }
  refuses(["--route=/a"], "--route must be a path");
  refuses(["--route=/a=web"], "--route must be a port, host:port");
  refuses(Array.from({ length: 101 }, (_, i) => `--route=/${i}=3000`), "more than 100 routes");
});

Deno.test("parseClientOptions lets the positional win over the environment", () => {
  const environment = { ...HOME, TUNNEL_PORT: "1", TUNNEL_HOST: "web" };
  assertEquals(serviceName(options([], environment).service), "http://web:1");
  assertEquals(serviceName(options(["3000"], environment).service), "http://localhost:3000");
});

Deno.test("parseClientOptions refuses a positional beside --port or --host", () => {
  refuses(["3000", "--port=3000"], '"3000" and --port both say where the service is');
  refuses(["web:3000", "--host", "web"], '"web:3000" and --host both say where the service is');
  refuses(["3000", "4000"], 'unexpected argument "4000"');
});

Deno.test("parseClientOptions says what is wrong about another positional, and shows it", () => {
  refuses(["web"], "the local service must be a port, host:port, http://host:port, ");
  refuses(
    ["http://web/path"],
    'the local service must be given without a path, not "http://web/path"',
  );
});

Deno.test("parseClientOptions normalizes servers to origins, each once", () => {
  const server = (text: string) => options([`--server=${text}`]).servers[0];
  assertEquals(server("https://A.example:443/"), "https://a.example");
  assertEquals(server("wss://a.example"), "https://a.example");
  assertEquals(server("ws://a.example:80"), "http://a.example");
  assertEquals(server("a.example"), "https://a.example");
  assertEquals(server("Tunnel.Example.com:6519/"), "https://tunnel.example.com:6519");
  assertEquals(server("tunnel.localhost"), "http://tunnel.localhost");
  assertEquals(server("192.0.2.1"), "http://192.0.2.1");
  assertEquals(server("localhost:6519"), "http://localhost:6519");
  assertEquals(server("[::1]:6519"), "http://[::1]:6519");
  assertEquals(options(["--server=a", "--server=http://A:80", "--server=https://a:443"]).servers, [
    "https://a",
    "http://a",
  ]);
  assertEquals(options([], { ...HOME, TUNNEL_SERVER: "a, ws://b" }).servers, [
    "https://a",
    "http://b",
  ]);
  for (
    const text of [
      "ftp://a",
      "http://",
      "http://a/b",
      "http://a?q",
      "http://u@a",
      "a:99999",
      "a:0",
      "a b",
      "http:a",
      "/",
    ]
  ) {
    refuses(
      [`--server=${text}`],
      "--server must be like https://tunnel.example.com, without a path",
    );
  }
});

Deno.test("parseClientOptions reads a host name or an address without a port", () => {
  assertEquals(service("--host=::1"), "http://[::1]:8080");
  assertEquals(service("--host=[::1]"), "http://[::1]:8080");
  assertEquals(service("--host=Web."), "http://web:8080");
  for (const host of ["web:80", "web:", "http://web", "a b", "256.0.0.1"]) {
    refuses([`--host=${host}`], "--host must be a host name or an address, without a port");
  }
});

Deno.test("parseClientOptions takes a literal Host and refuses what is none", () => {
  assertEquals(options(["--host-header=App.test:80"]).hostHeader, "App.test:80");
  for (const host of ["a b", "http://a", "a/b", "a\r\nb: c"]) {
    refuses([`--host-header=${host}`], "--host-header must be rewrite, or a host and port");
  }
});

Deno.test("parseClientOptions bounds ports, connections and labels", () => {
  refuses(["--port=0"], "--port must be a whole number from 1 to 65535");
  for (const connections of ["0", "17", "two"]) {
    refuses([`--connections=${connections}`], "--connections must be a whole number from 1 to 16");
  }
  for (const label of ["-a", "a b", "a.b", "é", "a".repeat(64)]) {
    refuses([`--label=${label}`], "--label must be at most 63 letters, digits and hyphens");
  }
});

Deno.test("parseClientOptions lets the inspector listen for this machine alone, or asks for a token", () => {
  const place = (text: string, ...more: string[]) =>
    options([`--inspect=${text}`, ...more]).inspect;
  assertEquals(place("off"), null);
  assertEquals(place("4050"), { host: "127.0.0.1", port: 4050 });
  assertEquals(place("localhost:4050"), { host: "localhost", port: 4050 });
  assertEquals(place("127.0.0.2:0"), { host: "127.0.0.2", port: 0 });
  for (const other of ["0.0.0.0:4040", "[::]:4040", "192.168.1.2:4040", "devbox.example:4040"]) {
    refuses([`--inspect=${other}`], `--inspect ${other} is for other machines too and needs`);
    assertEquals(place(other, "--inspect-token=t")?.port, 4040);
  }
  for (const wrong of ["on", "4040x", "127.0.0.1", "http://127.0.0.1:4040", "[::1]", "70000"]) {
    refuses([`--inspect=${wrong}`], "--inspect must be off, a port, or an address and a port");
  }
  refuses(["--inspect-memory=1mib"], "--inspect-memory must be a size from 4mib to 1gib");
});

Deno.test("parseClientOptions keeps the key where the platform keeps settings", () => {
  const keyFile = (os: string, environment: Environment) => {
    const command = parseClientOptions([], environment, { os });
    assert(command.kind === "run");
    assert(command.options.keyFile.makesFolder);
    return command.options.keyFile.path;
  };
  assertEquals(keyFile("linux", { ...HOME, XDG_CONFIG_HOME: "/c" }), "/c/tunnel/key.pem");
  assertEquals(
    keyFile("linux", { ...HOME, XDG_CONFIG_HOME: "c" }),
    "/home/me/.config/tunnel/key.pem",
  );
  assertEquals(
    keyFile("darwin", { ...HOME, XDG_CONFIG_HOME: "/c" }),
    "/home/me/Library/Application Support/tunnel/key.pem",
  );
  assertEquals(
    keyFile("win32", { APPDATA: "C:\\Users\\me\\AppData" }),
    "C:\\Users\\me\\AppData\\tunnel\\key.pem",
  );
});

Deno.test("parseClientOptions asks for --key where there is no config folder", () => {
  refuses([], "--key is needed: there is no HOME", {});
  refuses([], "--key is needed: there is no HOME", { HOME: "" });
  assertThrows(
    () => parseClientOptions([], HOME, { os: "win32" }),
    UsageError,
    "there is no APPDATA",
  );
  assertEquals(options(["--key=k"], {}).keyFile, { path: "k", makesFolder: false });
});

Deno.test("parseClientOptions takes lists of addresses and networks that a server can check, and that fit", () => {
  const most = Array.from({ length: 64 }, (_, i) => `10.0.0.${i}`);
  assertEquals(options(["--allow-ip", most.join(" , ")]).allowIp, most);
  assertEquals(options(["--allow-ip=::/0,0.0.0.0/0,::1/128"]).allowIp.length, 3);
  for (const wrong of ["x", "1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/8/8", "1.2.3.4,", ","]) {
    refuses([`--allow-ip=${wrong}`], "--allow-ip must be addresses and networks");
  }
  refuses([`--allow-ip=${[...most, "::1"].join(",")}`], "at most 64");
});

Deno.test("parseClientOptions refuses a user or password that fits no field, and shows no password for it", () => {
  for (
    const wrong of [
      "hunter2",
      ":hunter2",
      "ann:",
      "a\nb:hunter2",
      `${"x".repeat(129)}:hunter2`,
      "ann:hunter2\n",
      `ann:hunter2${"x".repeat(512)}`,
    ]
  ) {
    const error = assertThrows(
      () => options([`--basic-auth=${wrong}`]),
      UsageError,
      "--basic-auth must",
    );
    assert(!error.message.includes("hunter2"), error.message);
  }
  assertEquals(options(["--basic-auth=zoë:a:b"]).basicAuth, [{ user: "zoë", password: "a:b" }]);
});

Deno.test("parseClientOptions shows exactly its flags in --help, within 80 columns", () => {
  const command = parseClientOptions(["--help"], {}, { os: "linux" });
  assert(command.kind === "help");
  const flags = [...command.text.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)].map((match) => match[1]);
  assertEquals(flags.toSorted(), [
    "allow-destination",
    "allow-ip",
    "basic-auth",
    "config",
    "connections",
    "cors",
    "deny-destination",
    "help",
    "host",
    "host-header",
    "insecure-origin",
    "inspect",
    "inspect-memory",
    "inspect-token",
    "key",
    "label",
    "list",
    "log-format",
    "log-level",
    "login",
    "max-body",
    "max-streams",
    "name",
    "once",
    "open",
    "origin-ca",
    "port",
    "print-launchd",
    "print-unit",
    "proxy",
    "qr",
    "rate-limit",
    "remove-request-header",
    "remove-response-header",
    "route",
    "server",
    "server-ca",
    "set-request-header",
    "set-response-header",
    "show-key",
    "spa",
    "strip",
    "timeout",
    "token",
    "version",
  ]);
  for (const row of command.text.split("\n")) assert(row.length <= 80, row);
  assertEquals(parseClientOptions(["--version"], {}, { os: "linux" }), { kind: "version" });
});

Deno.test("parseClientOptions finds the proxy of each server in --proxy, else in the environment", () => {
  const proxies = (args: string[], environment: Environment) =>
    Object.fromEntries(
      [...options(args, { ...HOME, ...environment }).proxies]
        .map(([server, { host, port }]) => [server, `${host}:${port}`]),
    );
  const servers = ["--server=a.example", "--server=http://b.example", "--server=localhost:6519"];
  const both = { HTTPS_PROXY: "http://s:1", http_proxy: "p:2" };
  assertEquals(proxies(servers, {}), {});
  assertEquals(proxies(servers, both), { "https://a.example": "s:1", "http://b.example": "p:2" });
  assertEquals(proxies(servers, { ...both, NO_PROXY: ".example" }), {});
  assertEquals(proxies(servers, { ...both, no_proxy: "a.example" }), { "http://b.example": "p:2" });
  assertEquals(proxies(servers, { HTTPS_PROXY: "x:1", https_proxy: "s:1" }), {
    "https://a.example": "s:1",
  });
  assertEquals(proxies(servers, { HTTP_PROXY: " " }), {});
  const all = {
    "https://a.example": "g:3",
    "http://b.example": "g:3",
    "http://localhost:6519": "g:3",
  };
  assertEquals(proxies([...servers, "--proxy=g:3"], { ...both, NO_PROXY: "*" }), all);
  assertEquals(proxies(servers, { ...both, TUNNEL_PROXY: "g:3" }), all);
  assertEquals(proxies([...servers, "--proxy=off"], both), {});
});

Deno.test("parseClientOptions never asks a proxy of the environment for this machine itself", () => {
  const environment = { ...HOME, HTTP_PROXY: "p:1", HTTPS_PROXY: "p:1" };
  for (const server of ["localhost", "a.localhost", "127.0.0.2", "[::1]", "https://localhost"]) {
    assertEquals(options([`--server=${server}`], environment).proxies.size, 0, server);
  }
});

Deno.test("parseClientOptions refuses a proxy that is none, and does not show its password", () => {
  const message = "must be like http://proxy.example.com:3128";
  refuses(["--proxy=socks5://p:1080"], `--proxy ${message}, not "socks5://p:1080"`);
  refuses(["--server=a"], `https_proxy ${message}, not "…@p:1/x"`, {
    ...HOME,
    https_proxy: "http://ann:hunter2@p:1/x",
  });
  // One that is not needed is nobody's concern here.
  assertEquals(options([], { ...HOME, HTTPS_PROXY: "socks5://p" }).proxies.size, 0);
});
