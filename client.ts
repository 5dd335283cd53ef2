import config from "./deno.json" with { type: "json" };
import { clientCommand, type ClientOptions, parseClientOptions } from "./lib/client/options.ts";
import { newClientMark } from "./lib/identity/client_mark.ts";
import { makeVisitorPolicy } from "./lib/identity/visitor_policy.ts";
import { readAuthorities } from "./lib/client/authority_file.ts";
import { openInBrowser } from "./lib/client/browser.ts";
import { findConfig } from "./lib/client/config/find_config.ts";
import { ClientConsole } from "./lib/client/console/client_console.ts";
import { ServiceWatches } from "./lib/client/console/service_watches.ts";
import { ExchangeStore } from "./lib/client/inspector/exchange_store.ts";
import { LEAST_MEMORY } from "./lib/client/inspector/inspect_flags.ts";
import { Inspector } from "./lib/client/inspector/inspector.ts";
import { InspectorError } from "./lib/client/inspector/inspector_server.ts";
import { RecordingService } from "./lib/client/inspector/recording_service.ts";
import { requireKeyFile } from "./lib/client/key_file.ts";
import { refusalAdvice } from "./lib/client/refusal_advice.ts";
import { withDestinations } from "./lib/client/services/destinations/destination_service.ts";
import { openService, permissionsFor } from "./lib/client/services/open_service.ts";
import { rewriting } from "./lib/client/services/rewriting/rewriting_service.ts";
import type { Service } from "./lib/client/services/service.ts";
import { originsOf, serviceName } from "./lib/client/services/service_spec.ts";
import {
  DRAIN_TIMEOUT,
  TunnelClient,
  type TunnelClientEvents,
} from "./lib/client/tunnel_client.ts";
import { onStopSignal, ProgramError, programName, runProgram } from "./lib/cli/program.ts";
import { keepOnly } from "./lib/cli/permissions.ts";
import { SYSTEM_RUNTIME } from "./lib/cli/system_runtime.ts";
import { RegistrationError } from "./lib/wire/registration_error.ts";
import { thumbprintOf } from "./lib/identity/thumbprint.ts";

async function main(): Promise<number> {
  const [subcommand, ...args] = SYSTEM_RUNTIME.args;
  const environment = (variable: string) => SYSTEM_RUNTIME.environment(variable);
  const name = programName();
  if (subcommand === "doctor") {
    // It needs much that only it needs, which would take memory of every client.
    const { runDoctor } = await import("./lib/client/doctor/doctor_command.ts");
    return await runDoctor(args, environment, { name, version: config.version });
  }
  if (subcommand === "login") {
    const { runLogin } = await import("./lib/client/login/login_command.ts");
    return await runLogin(args, environment, { name, version: config.version });
  }
  const found = await findConfig(clientCommand(name), SYSTEM_RUNTIME.args, environment);
  const command = parseClientOptions(SYSTEM_RUNTIME.args, environment, {
    name,
    config: found.config,
  });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(config.version);
  return command.kind === "run" ? await publish(command.options, found.warning) : 0;
}

async function publish(options: ClientOptions, configWarning: string | null): Promise<number> {
  const { version } = config;
  await using console = new ClientConsole({
    ...{ ...options, version },
    onFirstURL: (url) => {
      if (options.open) void open(url, options, console);
    },
  });
  const authorities = options.serverCa === null ? [] : await readAuthorities(options.serverCa);
  const { key, isNew, warning } = await requireKeyFile(options.keyFile);
  if (isNew) console.keyMade(options.keyFile.path);
  for (const text of [configWarning, warning]) if (text !== null) console.warn(text);
  if (options.showKey) {
    globalThis.console.log(await thumbprintOf(key.publicKey));
    return 0;
  }
  using watches = new ServiceWatches({
    origins: originsOf(options.service),
    onDown: (address) => console.serviceDown(address),
    onUp: (address) => console.serviceUp(address),
  });
  const trust = {
    authorities: options.originCa === null ? [] : await readAuthorities(options.originCa),
    isInsecure: options.insecureOrigin,
  };
  const onTrouble = (text: string, mistake?: Error) => console.warn(text, mistake);
  const opened = openService(options.service, {
    ...options,
    ...{ trust, onTrouble },
    onHostRefused: (advice) => console.advise(advice),
    onUnreachable: (address) => watches.failed(address),
  });
  const { allowDestination: allow, denyDestination: deny } = options;
  if (allow.length > 0 && !isGuarded(options)) console.warn(OPEN_DESTINATIONS);
  const local = rewriting(withDestinations(opened, { allow, deny, trust, onTrouble }), options);
  const { service, events } = await observe(local, options, console);
  // Where nobody is told, the service is not troubled with a connection that asks for nothing.
  if (console.exchanges !== null) console.servicesSeen(await watches.start());
  const policy = await makeVisitorPolicy(options);
  const mark = await newClientMark(serviceName(options.service), key);
  const client = new TunnelClient({ ...options, authorities, service, key, policy, mark }, events);
  // The key was the last file; from here on there are peers.
  keepOnly(...permissionsFor(options.service), ...options.open ? ["run"] as const : []);
  let stopped: Promise<void> | null = null;
  onStopSignal(() => {
    console.stopping(client.load, DRAIN_TIMEOUT);
    stopped = client.stop();
  });
  try {
    const registered = await client.run();
    await stopped;
    return registered || stopped !== null ? 0 : 1;
  } catch (error) {
    if (!(error instanceof RegistrationError)) throw error;
    throw new ProgramError(`the server refused: ${refusalAdvice(error)}`, 1, { cause: error });
  }
}

/** Whether some visitors are kept out. */
function isGuarded({ basicAuth, allowIp }: ClientOptions): boolean {
  return basicAuth !== null || allowIp.length > 0;
}

const OPEN_DESTINATIONS =
  "EVERYBODY who knows the public URL can send requests from this machine to the destinations of " +
  "--allow-destination: let some in alone, with --basic-auth or --allow-ip";

async function open(
  url: string,
  { service }: ClientOptions,
  console: ClientConsole,
): Promise<void> {
  if (!await openInBrowser(url)) console.warn(`no browser could be started for ${url}`);
  // It was the last program that is started.
  keepOnly(...permissionsFor(service));
}

/** Puts those who look at exchanges in front of a service: the inspector where it is wanted, and the console. */
async function observe(
  service: Service,
  options: ClientOptions,
  console: ClientConsole,
): Promise<{ readonly service: Service; readonly events: TunnelClientEvents }> {
  const { exchanges } = console;
  const inspector = await inspect(service, options, console);
  if (inspector !== null) {
    if (exchanges !== null) inspector.listen(exchanges);
    return inspector;
  }
  if (exchanges === null) return { service, events: console };
  const store = new ExchangeStore(LEAST_MEMORY);
  store.listen(exchanges);
  return { service: new RecordingService(service, store), events: console };
}

/** Starts the inspector, where it is wanted; when it cannot listen, the tunnel goes on without it. */
async function inspect(
  service: Service,
  options: ClientOptions,
  console: ClientConsole,
): Promise<Inspector | null> {
  const { inspect: place, inspectMemory: memory, inspectToken: token, servers } = options;
  if (place === null) return null;
  const { version } = config;
  try {
    const inspector = await Inspector.start({
      ...{ place, token, memory, service, servers, version, events: console },
      serviceName: serviceName(options.service),
      onTrouble: (text, mistake) => console.warn(text, mistake),
    });
    console.inspecting(inspector.url);
    return inspector;
  } catch (error) {
    if (!(error instanceof InspectorError)) throw error;
    console.warn(`there is no inspector: ${error.message}`);
    return null;
  }
}

await runProgram(main);
