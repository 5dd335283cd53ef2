import {
  type Environment,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
} from "../../cli/command_line.ts";
import { quotedOpenly } from "../../cli/safe_text.ts";
import type { FlagValues } from "../../cli/flags.ts";
import { CLIENT_FLAGS } from "../flags.ts";
import { keyFileOf } from "../options.ts";
import type { ClientOptions } from "../options.ts";
import { proxiesFor } from "../proxies.ts";
import { DOCTOR_FLAGS } from "./doctor_flags.ts";

/** What the doctor's flags give, and what is made of several of them. */
export interface DoctorOptions
  extends
    Omit<FlagValues<typeof DOCTOR_FLAGS>, "server" | "proxy" | "key">,
    Pick<ClientOptions, "servers" | "proxies" | "keyFile"> {}

/**
 * Reads what stands behind `doctor` on the command line; `name` is what the help calls the program.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseDoctorOptions(
  args: readonly string[],
  environment: Environment,
  { name, os = Deno.build.os }: { readonly name: string; readonly os?: typeof Deno.build.os },
): ParsedCommand<DoctorOptions> {
  const line = parseCommandLine(
    {
      name: `${name} doctor`,
      summary:
        "Checks the way to a server and back through the public URL, and says what is wrong.",
      usage: "[server] [flags]",
      flags: DOCTOR_FLAGS,
      maxPositionals: 1,
    },
    args,
    environment,
  );
  if (line.kind !== "run") return line;
  const { values: { server, proxy, key, ...values }, positionals: [named], given } = line;
  if (named !== undefined && given.has("server")) {
    throw new UsageError(`${quotedOpenly(named)} and --server both name the server`);
  }
  const servers = [...new Set(named === undefined ? server : readServer(named))];
  return {
    kind: "run",
    options: {
      ...values,
      servers,
      proxies: proxiesFor(servers, proxy, environment),
      keyFile: keyFileOf(key, environment, os),
    },
  };
}

function readServer(text: string): readonly string[] {
  try {
    return CLIENT_FLAGS.server.read([text]);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(`the server ${cause.message}, not ${quotedOpenly(text)}`, { cause });
  }
}
