import config from "./deno.json" with { type: "json" };
import { readAuthorities } from "./lib/client/authority_file.ts";
import { openInBrowser } from "./lib/client/browser.ts";
import { ConfigWatch } from "./lib/client/config/config_watch.ts";
import { findConfig } from "./lib/client/config/find_config.ts";
import { ClientConsole } from "./lib/client/console/client_console.ts";
import { requireKeyFile } from "./lib/client/key_file.ts";
import { clientCommand, type ClientOptions, parseClientOptions } from "./lib/client/options.ts";
import { refusalAdvice } from "./lib/client/refusal_advice.ts";
import { permissionsFor } from "./lib/client/services/open_service.ts";
import type { StartOptions } from "./lib/client/start_options.ts";
import { DRAIN_TIMEOUT } from "./lib/client/tunnel_client.ts";
import { ClientTunnels } from "./lib/client/tunnels/client_tunnels.ts";
import { StartCommand } from "./lib/client/tunnels/start_command.ts";
import { Recorder } from "./lib/client/tunnels/recorder.ts";
import {
  onReload,
  onStopSignal,
  ProgramError,
  programName,
  runProgram,
} from "./lib/cli/program.ts";
import { keepOnly } from "./lib/cli/permissions.ts";
import type { Permission } from "./lib/cli/runtime.ts";
import { SYSTEM_RUNTIME } from "./lib/cli/system_runtime.ts";
import { thumbprintOf } from "./lib/identity/thumbprint.ts";
import { Heartbeat } from "./lib/mux/heartbeat.ts";

const { version } = config;

async function main(): Promise<number> {
  const [subcommand, ...args] = SYSTEM_RUNTIME.args;
  const environment = (variable: string) => SYSTEM_RUNTIME.environment(variable);
  const name = programName();
  if (subcommand === "doctor") {
    // It needs much that only it needs, which would take memory of every client.
    const { runDoctor } = await import("./lib/client/doctor/doctor_command.ts");
    return await runDoctor(args, environment, { name, version });
  }
  if (subcommand === "login") {
    const { runLogin } = await import("./lib/client/login/login_command.ts");
    return await runLogin(args, environment, { name, version });
  }
  if (subcommand === "start") {
    const start = new StartCommand(args, environment, name);
    const { command, warning } = await start.read();
    if (command.kind !== "run") return show(command);
    const { tunnels, ...file } = command.options;
    return await publish(tunnels, warning, { ...file, start });
  }
  const found = await findConfig(clientCommand(name), SYSTEM_RUNTIME.args, environment);
  const command = parseClientOptions(SYSTEM_RUNTIME.args, environment, {
    name,
    config: found.config,
  });
  if (command.kind === "run") return await publish([command.options], found.warning);
  return show(command);
}

function show(
  command: { readonly kind: "help"; readonly text: string } | { readonly kind: "version" },
): number {
  console.log(command.kind === "help" ? command.text : version);
  return 0;
}

/** What may change the tunnels that run. */
interface Changing extends Pick<StartOptions, "path" | "watch"> {
  readonly start: StartCommand;
}

/** Publishes tunnels, of which the first has all that they have in common. */
async function publish(
  tunnels: readonly [ClientOptions, ...ClientOptions[]],
  configWarning: string | null,
  changing: Changing | null = null,
): Promise<number> {
  const [options] = tunnels;
  if (options.printUnit || options.printLaunchd) {
    const { printDaemon } = await import("./lib/client/daemon/print_daemon.ts");
    const environment = (variable: string) => SYSTEM_RUNTIME.environment(variable);
    return printDaemon(options.printUnit ? "unit" : "launchd", environment);
  }
  // The key is the last file that one tunnel needs, where none takes its place; from there on there are peers.
  const kept: readonly Permission[] = changing === null
    ? permissionsFor(options.service)
    : ["net", "read", "write"];
  const browser = options.open ? new Browser(tunnels.length, kept) : null;
  await using console = new ClientConsole({
    ...{ ...options, version },
    onFirstURL: (url) => void browser?.open(url, console),
  });
  // A call with a file that is missing makes no key.
  await Promise.all(tunnels.map(checkAuthorities));
  const { key, isNew, warning } = await requireKeyFile(options.keyFile);
  if (isNew) console.keyMade(options.keyFile.path);
  for (const text of [configWarning, warning]) if (text !== null) console.warn(text);
  if (options.showKey) {
    globalThis.console.log(await thumbprintOf(key.publicKey));
    return 0;
  }
  const recorder = await Recorder.start({
    ...{ ...options, version, exchanges: console.exchanges },
    onTrouble: (text, mistake) => console.warn(text, mistake),
  });
  if (recorder.url !== null) console.inspecting(recorder.url);
  const heartbeat = new Heartbeat();
  const running = new ClientTunnels({ key, heartbeat, console, recorder });
  for (const tunnel of tunnels) await running.start(tunnel);
  keepOnly(...kept, ...browser === null ? [] : ["run"] as const);
  using _watch = changing === null ? null : watchConfig(changing, running, console);
  let stopped: Promise<void> | null = null;
  onStopSignal(() => {
    console.stopping(running.load, DRAIN_TIMEOUT);
    stopped = running.stop();
  });
  const { isWell, refusal } = await running.ended;
  await stopped;
  if (isWell || stopped !== null) return 0;
  if (refusal === null || options.tunnel !== "") return 1;
  throw new ProgramError(`the server refused: ${refusalAdvice(refusal)}`, 1, { cause: refusal });
}

/** Changes tunnels at each SIGHUP, and whenever the file has changed where that is wanted. */
function watchConfig(
  { start, path, watch }: Changing,
  running: ClientTunnels,
  console: ClientConsole,
): Disposable | null {
  const reload = async (): Promise<void> => {
    const { tunnels, warnings } = await start.readAgain();
    for (const text of warnings) console.warn(text);
    if (tunnels.length > 0) console.reloaded(path, await running.apply(tunnels));
  };
  onReload(() => void reload());
  return watch ? new ConfigWatch(path, () => void reload()) : null;
}

/** @throws {ProgramError} for a file of authorities that cannot be read. */
async function checkAuthorities({ serverCa, originCa }: ClientOptions): Promise<void> {
  for (const path of [serverCa, originCa]) if (path !== null) await readAuthorities(path);
}

/** Opens the URLs of so many tunnels; after the last no program can be started any more. */
class Browser {
  #left: number;
  readonly #kept: readonly Permission[];

  constructor(count: number, kept: readonly Permission[]) {
    this.#left = count;
    this.#kept = kept;
  }

  async open(url: string, console: ClientConsole): Promise<void> {
    if (!await openInBrowser(url)) console.warn(`no browser could be started for ${url}`);
    this.#left--;
    if (this.#left === 0) keepOnly(...this.#kept);
  }
}

await runProgram(main);
