import config from "../../deno.json" with { type: "json" };
import { type ClientOptions, parseClientOptions } from "../../lib/client/options.ts";
import { visitorRules } from "../../lib/client/visitor_flags.ts";
import { makeVisitorPolicy } from "../../lib/identity/visitor_policy.ts";
import { loadKeyFile } from "../../lib/client/key_file.ts";
import { Inspector } from "../../lib/client/inspector/inspector.ts";
import { TunnelClient, type TunnelClientEvents } from "../../lib/client/tunnel_client.ts";
import { Log } from "../../lib/cli/log.ts";
import { onStopSignal, printLine, programName, runProgram } from "../../lib/cli/program.ts";
import { ListenError } from "../../lib/server/listen/listener.ts";
import { ownOptions, parseServerOptions } from "../../lib/server/options.ts";
import { TunnelServer } from "../../lib/server/tunnel_server.ts";
import { SampleSite } from "./sample_site.ts";
import { LocalHTTP } from "../../lib/client/services/local_http/local_http.ts";

/** Where the parts listen unless the port is in use: the programs' own defaults. */
const SERVER_PORT = 6519;
const SITE_PORT = 8080;

/** Runs a server, a sample page and a client in one process until Ctrl-C; takes the client's flags for what concerns the tunnel. */
async function main(): Promise<number> {
  const command = parseClientOptions(Deno.args, (variable) => Deno.env.get(variable), {
    name: programName(),
  });
  if (command.kind === "help") console.log(command.text);
  if (command.kind !== "run") return 0;

  const site = withPort(SITE_PORT, (port) => new SampleSite(port));
  const server = withPort(SERVER_PORT, startServer);
  const client = await connect(server, site.port, command.options);
  const running = client.run();
  const stopped = new Promise<void>((resolve) => onStopSignal(resolve));
  await Promise.race([running, stopped]);
  // The site goes first: its clock and its WebSockets would hold up the end of the streams in flight.
  await Promise.all([site.shutdown(), client.stop()]);
  await Promise.all([running, server.shutdown()]);
  return 0;
}

/** Starts something on its usual port, or on a free one when that is taken. */
function withPort<T>(port: number, start: (port: number) => T): T {
  try {
    return start(port);
  } catch (error) {
    const cause = error instanceof ListenError ? error.cause : error;
    if (!(cause instanceof Deno.errors.AddrInUse)) throw error;
    return start(0);
  }
}

function startServer(port: number): TunnelServer {
  // Names under localhost are this machine itself, so nobody else needs to reach the port.
  const command = parseServerOptions(["--port", `${port}`, "--hostname", "127.0.0.1"], {});
  if (command.kind !== "run") throw new TypeError("the demo's server has no options");
  return new TunnelServer({
    ...ownOptions(command.options),
    tls: null,
    authorizedKeys: null,
    accessLog: null,
    bus: null,
    server: `tunnel/${config.version}`,
    log: new Log({ format: "text", level: "warn" }),
  });
}

async function connect(
  server: TunnelServer,
  sitePort: number,
  options: ClientOptions,
): Promise<TunnelClient> {
  const { key } = await loadKeyFile(options.keyFile);
  const { port } = new URL(server.url);
  const servers = [`http://127.0.0.1:${port}`];
  const local = new LocalHTTP({
    origin: { kind: "http", host: "127.0.0.1", port: sitePort },
    hostHeader: null,
  });
  let inspectorUrl = "none";
  const greet: TunnelClientEvents = {
    onOnline: (_server, url) =>
      console.log(greeting({ url, inspectorUrl, serverUrl: server.url, sitePort })),
    onOffline: (_server, reason) => printLine(`the client lost the server: ${reason}`),
  };
  const inspector = options.inspect === null ? null : await Inspector.start({
    version: config.version,
    memory: options.inspectMemory,
    place: options.inspect,
    token: options.inspectToken,
    onTrouble: (sentence) => printLine(sentence),
  });
  inspectorUrl = inspector?.url ?? inspectorUrl;
  const tunnel = {
    ...{ name: "", serviceName: `http://127.0.0.1:${sitePort}`, servers },
    ...{ service: local, events: greet },
  };
  const { service, events } = inspector?.add(tunnel) ?? tunnel;
  const policy = await makeVisitorPolicy(visitorRules(options));
  return new TunnelClient({ ...options, service, servers, key, policy }, events);
}

function greeting({ url, inspectorUrl, serverUrl, sitePort }: {
  readonly url: string;
  readonly inspectorUrl: string;
  readonly serverUrl: string;
  readonly sitePort: number;
}): string {
  const [id = ""] = new URL(url).hostname.split(".");
  return `
The tunnel        ${url}/
The inspector     ${inspectorUrl}
The sample page   http://127.0.0.1:${sitePort}/, without the tunnel

Browsers find names under .localhost by themselves. For what does not:
                  ${serverUrl}/proxy/request/${id}/

Ctrl-C ends the demo.
`;
}

await runProgram(main);
