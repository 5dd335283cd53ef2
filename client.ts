import config from "./deno.json" with { type: "json" };
import { type ClientOptions, parseClientOptions } from "./lib/client/options.ts";
import { newClientMark } from "./lib/identity/client_mark.ts";
import { makeVisitorPolicy } from "./lib/identity/visitor_policy.ts";
import { readAuthorities } from "./lib/client/authority_file.ts";
import { Inspector } from "./lib/client/inspector/inspector.ts";
import { InspectorError } from "./lib/client/inspector/inspector_server.ts";
import {
  KeyFileError,
  type KeyFileOptions,
  type LoadedKey,
  loadKeyFile,
} from "./lib/client/key_file.ts";
import { LocalHTTP } from "./lib/client/services/local_http/local_http.ts";
import type { Service } from "./lib/client/services/service.ts";
import { refusalAdvice } from "./lib/client/refusal_advice.ts";
import { Terminal } from "./lib/client/terminal.ts";
import { TunnelClient } from "./lib/client/tunnel_client.ts";
import { onStopSignal, ProgramError, programName, runProgram } from "./lib/cli/program.ts";
import { keepOnly } from "./lib/cli/permissions.ts";
import { authorityOf } from "./lib/net/authority.ts";
import { RegistrationError } from "./lib/wire/registration_error.ts";
import { thumbprintOf } from "./lib/identity/thumbprint.ts";

async function main(): Promise<number> {
  const command = parseClientOptions(Deno.args, (variable) => Deno.env.get(variable), {
    name: programName(),
  });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(config.version);
  return command.kind === "run" ? await publish(command.options) : 0;
}

async function publish(options: ClientOptions): Promise<number> {
  const terminal = new Terminal(options);
  const { serverCa } = options;
  const authorities = serverCa === null ? [] : await readAuthorities(serverCa);
  const { key, isNew, warning } = await readKey(options.keyFile);
  if (isNew) terminal.keyMade(options.keyFile.path);
  if (warning !== null) terminal.warn(warning);
  if (options.showKey) {
    console.log(await thumbprintOf(key.publicKey));
    return 0;
  }
  const local = new LocalHTTP({
    ...options,
    onTrouble: (text) => terminal.warn(text),
    onHostRefused: (advice) => terminal.advise(advice),
  });
  const inspector = inspect(local, options, terminal);
  const service = inspector?.service ?? local;
  const policy = await makeVisitorPolicy(options);
  const events = inspector?.events ?? terminal;
  const mark = await newClientMark(`http://${authorityOf(options)}`, key);
  const client = new TunnelClient({ ...options, authorities, service, key, policy, mark }, events);
  // The key was the last file; from here on there are peers.
  keepOnly("net");
  let stopped: Promise<void> | null = null;
  onStopSignal(() => {
    terminal.stopping();
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

/** Starts the inspector, where it is wanted; when it cannot listen, the tunnel goes on without it. */
function inspect(service: Service, options: ClientOptions, terminal: Terminal): Inspector | null {
  const { inspect: place, inspectMemory: memory, inspectToken: token, servers } = options;
  if (place === null) return null;
  const serviceName = `http://${authorityOf(options)}`;
  const { version } = config;
  try {
    const inspector = new Inspector({
      ...{ place, token, memory, service, serviceName, servers, version, events: terminal },
    });
    terminal.inspecting(inspector.url);
    return inspector;
  } catch (error) {
    if (!(error instanceof InspectorError)) throw error;
    terminal.warn(`there is no inspector: ${error.message}`);
    return null;
  }
}

async function readKey(file: KeyFileOptions): Promise<LoadedKey> {
  try {
    return await loadKeyFile(file);
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    throw new ProgramError(error.message, 2, { cause: error });
  }
}

await runProgram(main);
