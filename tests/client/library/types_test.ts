import { assertEquals } from "@std/assert";
import type { FlagValues } from "../../../lib/cli/flags.ts";
import type { TUNNEL_SERVER_FLAGS } from "../../../lib/server/flags/server_flags.ts";
import { TUNNEL_OPTIONS } from "../../../lib/client/library/read_tunnel_options.ts";
import type { forward, ForwardOptions, serve, Tunnel, TunnelOptions } from "../../../lib/mod.ts";
import type { TunnelServerOptions } from "../../../lib/server/mod.ts";

// Most of this is checked by `deno check`: a line that compiles although it is expected not to is an error there.

type Handler = Parameters<typeof serve>[1];
type Service = Parameters<typeof forward>[1];

const server = "https://tunnel.example.com";

const options: readonly TunnelOptions[] = [
  { server },
  { server: [server], key: "key.pem", label: "a", name: null, token: "t", connections: 2 },
  { server, basicAuth: { user: "a", password: "b" }, allowIp: ["::1"], inspector: 4040 },
  // @ts-expect-error a server is needed
  {},
  // @ts-expect-error no option is called so
  { server, lable: "a" },
  // @ts-expect-error a number is wanted
  { server, connections: "2" },
  // @ts-expect-error a user without a password
  { server, basicAuth: { user: "a" } },
  // @ts-expect-error not a signal
  { server, signal: new AbortController() },
  // @ts-expect-error for local services alone
  { server, hostHeader: "rewrite" },
  { server, rateLimit: "100/s", maxStreams: 5, maxBody: 1000, timeout: "30s", login: true },
  { server, rateLimit: { count: 5, period: 1000 }, cors: "*", insecureOrigin: true },
  { server, setRequestHeader: { "X-Env": "dev" }, setResponseHeader: ["X-Env: dev"] },
  { server, allowDestination: "https://*.internal", denyDestination: ["10.0.0.0/8"] },
  // @ts-expect-error a rate without its time
  { server, rateLimit: 100 },
  // @ts-expect-error values are texts
  { server, setRequestHeader: { "X-Env": 5 } },
  // @ts-expect-error names have no values
  { server, removeRequestHeader: { "X-Env": "dev" } },
  // @ts-expect-error yes or no
  { server, login: "yes" },
  // @ts-expect-error a text or several
  { server, allowDestination: new URL("https://api.internal") },
];

const forwardOptions: readonly ForwardOptions[] = [
  { server, hostHeader: "rewrite", insecureOrigin: true },
  { server, list: true, spa: true, strip: true, rateLimit: "5/m" },
  // @ts-expect-error yes or no
  { server, strip: "/api" },
];

const handlers: readonly Handler[] = [
  () => new Response(),
  (request, { remoteAddr, tunnel, completed }) =>
    completed.then(() => Response.json([request.url, remoteAddr.hostname, tunnel.url])),
  (_request, info) => info.upgrade({ protocol: "chat" }).response,
  { fetch: (request: Request) => new Response(request.body) },
  { fetch: (_request: Request, _environment?: unknown) => new Response() },
  // @ts-expect-error not an answer
  () => "hello",
  // @ts-expect-error nothing that answers
  { handle: () => new Response() },
  // @ts-expect-error there is no such member
  (_request, { cookies }) => new Response(cookies),
];

const services: readonly Service[] = [
  3000,
  "unix:/run/app.sock",
  { "/api": 4000, "/": "./dist" },
  // @ts-expect-error not a service
  { port: 3000 },
  // @ts-expect-error not a service for a path
  { "/api": { port: 3000 } },
];

function listen(tunnel: Tunnel): void {
  tunnel.addEventListener("online", ({ server, url }) => console.log(server, url));
  tunnel.addEventListener("request", ({ request }) => console.log(request.method, request.status));
  // @ts-expect-error there is no such event
  tunnel.addEventListener("ready", () => {});
  // @ts-expect-error no event of this type has it
  tunnel.addEventListener("offline", ({ url }) => console.log(url));
  // @ts-expect-error what it says cannot be changed
  tunnel.url = "";
}

Deno.test("the names of a tunnel's options are those of their type", () => {
  const names: { readonly [Option in keyof TunnelOptions]-?: true } = {
    ...{ server: true, key: true, label: true, name: true, token: true, basicAuth: true },
    ...{ allowIp: true, connections: true, proxy: true, authorities: true, signal: true },
    ...{ connectTimeout: true, inspector: true, login: true, rateLimit: true, maxStreams: true },
    ...{ maxBody: true, timeout: true, setRequestHeader: true, removeRequestHeader: true },
    ...{ setResponseHeader: true, removeResponseHeader: true, cors: true },
    ...{ allowDestination: true, denyDestination: true, originAuthorities: true },
    ...{ insecureOrigin: true },
  };
  assertEquals([...TUNNEL_OPTIONS].sort(), Object.keys(names).sort());
  assertEquals([options, handlers, services].map(({ length }) => length), [18, 8, 5]);
  assertEquals([forwardOptions.length, typeof listen], [3, "function"]);
});

/** The options of the command line, but for those of the program around a server. */
type FromFlags = keyof FlagValues<typeof TUNNEL_SERVER_FLAGS>;

/** What the type of the options lacks: nothing. */
type Missing = Exclude<FromFlags, keyof TunnelServerOptions>;

Deno.test("TunnelServer has every option of the command line, and a type for each", () => {
  // It does not compile where one is missing.
  const isComplete: [Missing] extends [never] ? true : false = true;
  assertEquals(isComplete, true);
});
