import {
  type Environment,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
} from "../cli/command_line.ts";
import type { FlagValues } from "../cli/flags.ts";
import { SERVER_FLAGS } from "./flags.ts";

/** What the server's flags give, and what is made of several of them. */
export interface ServerOptions extends Omit<FlagValues<typeof SERVER_FLAGS>, "tlsCert" | "tlsKey"> {
  /** Paths of PEM files, which are not read here. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

/**
 * Reads what the server was told on its command line and in its environment; `name` is what the help calls it.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseServerOptions(
  args: readonly string[],
  environment: Environment,
  { name = "tunnel-server" }: { readonly name?: string } = {},
): ParsedCommand<ServerOptions> {
  const line = parseCommandLine(
    {
      name,
      summary: "Gives local services public addresses, through the clients that connect here.",
      usage: "[flags]",
      flags: SERVER_FLAGS,
      maxPositionals: 0,
    },
    args,
    environment,
  );
  if (line.kind !== "run") return line;
  const { tlsCert, tlsKey, ...values } = line.values;
  return { kind: "run", options: { ...values, tls: tlsFiles(tlsCert, tlsKey) } };
}

function tlsFiles(certFile: string | null, keyFile: string | null): ServerOptions["tls"] {
  if (certFile !== null && keyFile !== null) return { certFile, keyFile };
  if (certFile !== null) throw new UsageError("--tls-cert needs --tls-key as well");
  if (keyFile !== null) throw new UsageError("--tls-key needs --tls-cert as well");
  return null;
}
