import {
  type Environment,
  parseCommandLine,
  type ParsedCommand,
  UsageError,
} from "../../../cli/command_line.ts";
import { integerFlag, switchFlag, textFlag, valueFlag } from "../../../cli/flags.ts";
import { quotedOpenly } from "../../../cli/safe_text.ts";
import { isThumbprint } from "../../../identity/thumbprint.ts";
import { isNetwork } from "../../../net/address_set.ts";
import { parsePublicUrl } from "../../flag_values.ts";

const GROUP = "The operator";

/** Tunnels that are listed when nobody asks for more. */
const LISTED = 100;

/** The flags of `tunnel-server admin`. */
const ADMIN_FLAGS = {
  /** Where the server is asked. */
  server: valueFlag("<url>", parsePublicUrl, {
    group: GROUP,
    help: "the server, by its URL or its --admin-port",
    default: "http://localhost:6519",
  }),
  /** The operator's secret. */
  adminToken: textFlag({
    group: GROUP,
    help: "what the server was started with; better in the environment than here",
    placeholder: "<secret>",
    default: null,
  }),
  /** What a tunnel that is listed has in it; empty for all. */
  search: textFlag({
    group: GROUP,
    help: "list what has this in its name, id, key, address or comment",
    default: "",
    defaultText: "all",
  }),
  /** Tunnels. */
  limit: integerFlag({
    group: GROUP,
    help: "list so many tunnels",
    default: LISTED,
    least: 1,
    most: 1000,
  }),
  /** Why somebody is banned, for operators alone. */
  reason: textFlag({
    group: GROUP,
    help: "note why, with a ban",
    default: "",
    defaultText: "none",
  }),
  /** Write JSON in place of a text. */
  json: switchFlag({ group: GROUP, help: "write what the server answers, as JSON" }),
};

/** Whom an act is about: a tunnel by its id, name or hostname, a key, or a network. */
export type Target = Readonly<Partial<Record<"tunnel" | "key" | "network", string>>>;

/** What an operator wants done. */
export type AdminAct =
  | { readonly kind: "list" | "bans" }
  | { readonly kind: "disconnect" | "ban" | "unban"; readonly target: Target };

/** One call of the command. */
export interface AdminOptions {
  readonly act: AdminAct;
  readonly server: string;
  readonly adminToken: string;
  readonly search: string;
  readonly limit: number;
  readonly reason: string;
  readonly json: boolean;
}

/** Reads what stands behind `admin` on the command line. @throws {UsageError} at the first thing that is wrong. */
export function parseAdminOptions(
  args: readonly string[],
  environment: Environment,
  { name }: { readonly name: string },
): ParsedCommand<AdminOptions> {
  const line = parseCommandLine(
    {
      name: `${name} admin`,
      summary: "Looks who is connected to a server, and disconnects or bans.",
      usage: `list|bans [flags]\n       ${name} admin disconnect <tunnel> [flags]\n` +
        `       ${name} admin ban|unban <tunnel|key|network> [flags]`,
      flags: ADMIN_FLAGS,
      maxPositionals: 2,
    },
    args,
    environment,
  );
  if (line.kind !== "run") return line;
  const { adminToken, ...values } = line.values;
  const act = actOf(line.positionals);
  if (adminToken === null) {
    throw new UsageError("the server wants its --admin-token, or TUNNEL_ADMIN_TOKEN");
  }
  return { kind: "run", options: { ...values, adminToken, act } };
}

function actOf([kind = "list", target]: readonly string[]): AdminAct {
  if (kind === "list" || kind === "bans") {
    if (target !== undefined) throw new UsageError(`unexpected argument ${quotedOpenly(target)}`);
    return { kind };
  }
  if (kind !== "disconnect" && kind !== "ban" && kind !== "unban") {
    const known = "list, bans, disconnect, ban or unban";
    throw new UsageError(`${quotedOpenly(kind)} is no act of an operator: ${known}`);
  }
  if (target === undefined) throw new UsageError(`${kind} needs to be told whom`);
  return { kind, target: kind === "disconnect" ? { tunnel: target } : targetOf(target) };
}

/** No name or id of a tunnel has the form of a thumbprint or an address. */
function targetOf(text: string): Target {
  if (isNetwork(text)) return { network: text };
  return isThumbprint(text) ? { key: text } : { tunnel: text };
}
