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
import { AuthorizedKeys, AuthorizedKeysError } from "./lib/server/access/authorized_keys.ts";
import type { Bus } from "./lib/server/bus/bus.ts";
import { ListenError } from "./lib/server/listen/serve_listener.ts";
import { openBus } from "./lib/server/bus/open_bus.ts";
import { parseServerOptions, type ServerOptions } from "./lib/server/options.ts";
import { TunnelServer } from "./lib/server/tunnel_server.ts";

async function main(): Promise<number> {
  const command = parseServerOptions(Deno.args, (variable) => Deno.env.get(variable), {
    name: programName(),
  });
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
  const log: Log = new Log({
    format: options.logFormat ?? (isTerminal ? "text" : "json"),
    level: options.logLevel,
    colour: isTerminal && !Deno.noColor,
    write: (line) => lines.write(line),
  });
  try {
    return await run(options, log);
  } finally {
    await lines.flush();
  }
}

async function run(options: ServerOptions, log: Log): Promise<number> {
  const { bus: busName, domain } = options;
  const bus = busName === "memory" ? null : await openBus(busName, domain);
  const server = start(options, bus, log);
  if (options.token === null && options.authorizedKeys === null) {
    log.warn("everybody may connect a client: neither --token nor --authorized-keys is given");
  }
  console.log(server.url);
  onReload(() => reload(server, options, log));
  await new Promise<void>((resolve) => onStopSignal(resolve));
  log.info("stopping: streams in flight may finish");
  await server.shutdown();
  return 0;
}

function start(options: ServerOptions, bus: Bus | null, log: Log): TunnelServer {
  const { hostname, tls } = options;
  const pems = tls && { cert: readPem(tls.certFile), key: readPem(tls.keyFile) };
  const authorizedKeys = options.authorizedKeys === null ? null : readKeys(options.authorizedKeys);
  try {
    return new TunnelServer({
      ...options,
      tls: pems,
      authorizedKeys,
      bus,
      server: `tunnel/${config.version}`,
      log,
    });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    const { cause } = error;
    // Deno finds such data in PEM files alone: empty ones, and those with something else in them.
    const isPem = cause instanceof Deno.errors.InvalidData || cause instanceof TypeError;
    if (tls !== null && isPem) {
      const files = `${tls.certFile} and ${tls.keyFile}`;
      throw new ProgramError(`cannot serve TLS with ${files}: ${reasonOf(cause)}`, 2, { cause });
    }
    throw new ProgramError(`cannot listen on ${hostname}:${error.port}: ${reasonOf(cause)}`, 1, {
      cause,
    });
  }
}

async function reload(
  server: TunnelServer,
  { tls, authorizedKeys }: ServerOptions,
  log: Log,
): Promise<void> {
  if (tls === null && authorizedKeys === null) {
    log.info("SIGHUP: there are no files to read again");
  }
  if (authorizedKeys !== null) reloadKeys(server, authorizedKeys, log);
  if (tls !== null) await reloadCertificate(server, tls, log);
}

function reloadKeys(server: TunnelServer, file: string, log: Log): void {
  try {
    const keys = AuthorizedKeys.read(file);
    const ended = server.authorize(keys);
    log.info("the authorized keys were read again", { file, keys: keys.size, ended });
  } catch (error) {
    log.error("the old authorized keys stay", { reason: reasonOf(error) });
  }
}

async function reloadCertificate(
  server: TunnelServer,
  tls: NonNullable<ServerOptions["tls"]>,
  log: Log,
): Promise<void> {
  try {
    await server.renewCertificate({ cert: readPem(tls.certFile), key: readPem(tls.keyFile) });
    log.info("the certificate was read again", { file: tls.certFile });
  } catch (error) {
    log.error("the old certificate stays", { file: tls.certFile, reason: reasonOf(error) });
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

function readPem(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    throw new ProgramError(`cannot read ${file}: ${reasonOf(cause)}`, 2, { cause });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use";
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  return messageOf(error);
}

await runProgram(main);
