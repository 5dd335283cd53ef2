import config from "./deno.json" with { type: "json" };
import { messageOf } from "./lib/cli/safe_text.ts";
import { LineWriter } from "./lib/cli/line_writer.ts";
import { Log } from "./lib/cli/log.ts";
import {
  onReload,
  onStopSignal,
  ProgramError,
  programName,
  runProgram,
} from "./lib/cli/program.ts";
import { keepOnly } from "./lib/cli/permissions.ts";
import type { Permission } from "./lib/cli/runtime.ts";
import { AuthorizedKeys, AuthorizedKeysError } from "./lib/server/access/authorized_keys.ts";
import { tellToken } from "./lib/server/access/client_token.ts";
import { HTTPSRedirect } from "./lib/server/listen/https_redirect.ts";
import { type Listener, ListenError } from "./lib/server/listen/listener.ts";
import { openListener } from "./lib/server/listen/open_listener.ts";
import type { Bus } from "./lib/server/bus/bus.ts";
import { ownOptions, parseServerOptions, type ServerOptions } from "./lib/server/options.ts";
import {
  type Certificate,
  CertificateError,
  type CertificateSource,
} from "./lib/server/tls/certificate_source.ts";
import { type Certificates, openCertificates } from "./lib/server/tls/certificates.ts";
import { pemReason } from "./lib/server/tls/pem_reason.ts";
import { type KeptState, openState } from "./lib/server/kept_state.ts";
import { tellReady } from "./lib/server/service_manager.ts";
import { StateError } from "./lib/server/state_folder.ts";
import { TunnelServer } from "./lib/server/tunnel_server.ts";
import type { CompleteServerOptions } from "./lib/server/tunnel_server_options.ts";

async function main(): Promise<number> {
  const [subcommand, ...args] = Deno.args;
  const environment = (variable: string) => Deno.env.get(variable);
  const name = programName();
  if (subcommand === "doctor") {
    // It needs much that only it needs, which would take memory of every server.
    const { runDoctor } = await import("./lib/server/doctor/doctor_command.ts");
    return await runDoctor(args, environment, { name, version: config.version });
  }
  if (subcommand === "admin") {
    const { runAdmin } = await import("./lib/server/admin/command/admin_command.ts");
    return await runAdmin(args, environment, { name, version: config.version });
  }
  const command = parseServerOptions(Deno.args, environment, { name });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(config.version);
  return command.kind === "run" ? await serve(command.options) : 0;
}

async function serve(options: ServerOptions): Promise<number> {
  const isTerminal = Deno.stderr.isTerminal();
  const lines = new LineWriter(
    Deno.stderr,
    (count) =>
      log.line("error", "lines of the log were lost: they were not read in time", { count }),
  );
  const format = {
    format: options.logFormat ?? (isTerminal ? "text" : "json"),
    colour: isTerminal && !Deno.noColor,
    isTerminal,
    write: (line: string) => lines.write(line),
  };
  const log: Log = new Log({ ...format, level: options.logLevel });
  // --log-level does not apply: an operator who wants these lines has asked for them.
  const accessLog = options.accessLog ? new Log({ ...format, level: "info" }) : null;
  try {
    return await run(options, { log, accessLog });
  } finally {
    await lines.flush();
  }
}

async function run(options: ServerOptions, logs: Logs): Promise<number> {
  const { log } = logs;
  const { authorizedKeys } = options;
  const { folder, made, denyList } = await open(options, log);
  const token = made?.token ?? options.token;
  const userAgent = `tunnel/${config.version}`;
  const bus = await openBus(options);
  const certificates = await openCertificates(options, { state: folder, bus, userAgent, log });
  const { source, permissions } = certificates;
  const server = start({ ...options, token }, {
    ...logs,
    bus,
    denyList,
    tls: source === null ? null : await load(source),
  });
  const redirect = startRedirect(options, { url: server.url, certificates, log });
  await tellReady(Deno.env.get("NOTIFY_SOCKET"), log);
  // Nothing was handled yet. Files are read again at SIGHUP, and written where certificates are got, or bans kept.
  const isBanning = folder !== null && options.adminToken !== null;
  const bans: readonly Permission[] = isBanning ? ["read", "write"] : [];
  const keys: readonly Permission[] = authorizedKeys === null ? [] : ["read"];
  keepOnly("net", ...keys, ...bans, ...permissions);
  if (token === null && authorizedKeys === null && !options.open) {
    log.warn("everybody may connect a client: --token or --authorized-keys ends that");
  }
  console.log(server.url);
  if (made !== null) tellToken(made, { server: server.clientUrl, log });
  const stopping = new AbortController();
  source?.watch((certificate) => server.renewCertificate(certificate), stopping.signal);
  onReload(() => {
    if (authorizedKeys !== null) reloadKeys(server, authorizedKeys, log);
    else if (source === null) log.info("SIGHUP: there are no files to read again");
  });
  await new Promise<void>((resolve) => onStopSignal(resolve));
  stopping.abort();
  certificates.close();
  log.info("stopping: streams in flight may finish");
  await Promise.all([server.shutdown(), redirect?.shutdown()]);
  return 0;
}

type Logs = Pick<CompleteServerOptions, "log" | "accessLog">;

function start(
  options: ServerOptions,
  made: Logs & Pick<CompleteServerOptions, "bus" | "tls" | "denyList">,
): TunnelServer {
  const { tls } = options;
  const authorizedKeys = options.authorizedKeys === null ? null : readKeys(options.authorizedKeys);
  const server = `tunnel/${config.version}`;
  try {
    return new TunnelServer({ ...ownOptions(options), ...made, authorizedKeys, server });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    const { cause } = error;
    const pem = pemReason(cause);
    if (tls !== null && pem !== null) {
      const files = `${tls.certFile} and ${tls.keyFile}`;
      throw new ProgramError(`cannot serve TLS with ${files}: ${pem}`, 2, { cause });
    }
    throw new ProgramError(error.message, 1, { cause });
  }
}

/** Opens what outlives the server. */
async function open(options: ServerOptions, log: Log): Promise<KeptState> {
  try {
    return await openState(options, log);
  } catch (cause) {
    if (!(cause instanceof StateError)) throw cause;
    throw new ProgramError(cause.message, 2, { cause });
  }
}

/** Listens where visitors are sent to HTTPS; null where they are not. */
function startRedirect(
  { httpPort, domain, fixed, ...options }: ServerOptions,
  { url, certificates: { proofAt }, log }: {
    readonly url: string;
    readonly certificates: Certificates;
    readonly log: Log;
  },
): Listener | null {
  if (httpPort === null) return null;
  const handler = new HTTPSRedirect({ url, domain: fixed ? null : domain, proofAt, log });
  try {
    const { hostname, reusePort } = options;
    const listening = { hostname, port: httpPort, reusePort, tls: null, observers: [] };
    const listener = openListener(options.listener)({ ...listening, handler, log });
    log.info("visitors without TLS are sent to HTTPS", { port: listener.port });
    return listener;
  } catch (cause) {
    if (!(cause instanceof ListenError)) throw cause;
    throw new ProgramError(cause.message, 1, { cause });
  }
}

/** Opens the bus; null for a server that is alone. One that cannot be reached now is away, and comes back by itself. */
async function openBus({ bus, domain }: ServerOptions): Promise<Bus | null> {
  if (bus === "memory") return null;
  // The client of Redis takes a quarter of a second to load, which a server alone need not wait for.
  const { RedisBus } = await import("./lib/server/bus/redis_bus.ts");
  return await RedisBus.connect(bus, { domain });
}

function reloadKeys(server: TunnelServer, file: string, log: Log): void {
  try {
    const keys = AuthorizedKeys.read(file);
    const ended = server.authorize(keys);
    log.info("the authorized keys were read again", { file, keys: keys.size, ended });
  } catch (error) {
    log.error("the old authorized keys stay", { reason: messageOf(error) });
  }
}

function readKeys(file: string): AuthorizedKeys {
  try {
    return AuthorizedKeys.read(file);
  } catch (cause) {
    if (!(cause instanceof AuthorizedKeysError)) throw cause;
    throw new ProgramError(cause.message, 2, { cause });
  }
}

async function load(certificates: CertificateSource): Promise<Certificate> {
  try {
    return await certificates.load();
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw new ProgramError(cause.message, 2, { cause });
  }
}

await runProgram(main);
