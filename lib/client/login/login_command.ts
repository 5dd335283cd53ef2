import type { Environment } from "../../cli/command_line.ts";
import { ProgramError } from "../../cli/program.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { Interrupted, readSecret } from "../../cli/secret_prompt.ts";
import { RegistrationError } from "../../wire/registration_error.ts";
import { readAuthorities } from "../authority_file.ts";
import { findConfig } from "../config/find_config.ts";
import { writeConfig } from "../config/write_config.ts";
import { requireKeyFile } from "../key_file.ts";
import { adviceOnRefusal } from "../refusal_advice.ts";
import { FixedAnswer } from "../services/fixed_answer.ts";
import { TestTunnel } from "../test_tunnel.ts";
import { loginCommand, type LoginOptions, parseLoginOptions } from "./login_options.ts";

/**
 * Runs `tunnel-client login` with the words behind that and returns the exit status: 1 when the server cannot be reached,
 * or does not take the token, and then nothing is written.
 *
 * @throws {UsageError | ProgramError} for what keeps it from that.
 */
export async function runLogin(
  args: readonly string[],
  environment: Environment,
  { name, version }: { readonly name: string; readonly version: string },
): Promise<number> {
  const { config } = await findConfig(loginCommand(name), args, environment);
  const command = parseLoginOptions(args, environment, { name, config });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(version);
  if (command.kind !== "run") return 0;
  const { server, configFile, overriding } = command.options;
  const token = command.options.token ?? await askForToken(server);
  await check({ ...command.options, token });
  await writeConfig(configFile, { server, token });
  const what = token === null ? "its URL" : "its URL and the token";
  console.error(`${server} takes this client: ${configFile.path} has ${what} now`);
  for (const variable of overriding) {
    console.error(`${variable} is set, and wins over the file: take it out of the environment`);
  }
  console.error(`next: ${name} 3000`);
  return 0;
}

/** @throws {ProgramError} when there is none at all. */
async function askForToken(server: string): Promise<string | null> {
  try {
    const token = await readSecret(`token of ${server} (Enter for none): `);
    return token === "" ? null : token;
  } catch (cause) {
    if (cause instanceof RangeError) throw new ProgramError(`the token ${cause.message}`, 2);
    if (cause instanceof Interrupted) throw new ProgramError("given up: nothing is changed", 1);
    throw cause;
  }
}

/** Registers as a client does. @throws {ProgramError} when the server does not take it. */
async function check({ server, token, proxies, serverCa, keyFile }: LoginOptions): Promise<void> {
  const { key } = await requireKeyFile(keyFile);
  const authorities = serverCa === null ? [] : await readAuthorities(serverCa);
  try {
    await using _tunnel = await TestTunnel.open({
      ...{ server, token, key, authorities, purpose: "login" },
      proxy: proxies.get(server) ?? null,
      service: FixedAnswer.status(503),
    });
  } catch (cause) {
    throw new ProgramError(`nothing is written: ${reasonOf(cause, server)}`, 1, { cause });
  }
}

function reasonOf(error: unknown, server: string): string {
  if (!(error instanceof RegistrationError)) return messageOf(error);
  const { code, message } = error;
  const advice = code === "bad_token"
    ? "Ask who runs the server for its token"
    : adviceOnRefusal(code);
  return `${server} refused: ${message}${advice === "" ? "" : `. ${advice}`}`;
}
