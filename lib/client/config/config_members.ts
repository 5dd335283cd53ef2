import { type Flag, flagName } from "../../cli/flags.ts";
import { CLIENT_FLAGS } from "../flags.ts";

type ClientOption = keyof typeof CLIENT_FLAGS;

/**
 * Where a file has a place for a flag: at its top, in each tunnel and in `defaults`, in one tunnel alone, in the
 * `service` of a tunnel, or nowhere, since it is about one call of the program.
 */
export type MemberScope = "client" | "tunnels" | "tunnel" | "service" | "call";

const SCOPES: Readonly<Partial<Record<ClientOption, MemberScope>>> = {
  server: "client",
  proxy: "client",
  serverCa: "client",
  connections: "client",
  token: "client",
  key: "client",
  inspect: "client",
  inspectMemory: "client",
  inspectToken: "client",
  logFormat: "client",
  logLevel: "client",
  qr: "client",
  open: "client",
  // Each would give several tunnels one address.
  label: "tunnel",
  name: "tunnel",
  host: "service",
  port: "service",
  config: "call",
  showKey: "call",
  once: "call",
  printUnit: "call",
  printLaunchd: "call",
};

/** A flag that a file may have a place for. */
export interface ConfigMember {
  readonly flag: Flag<unknown>;
  /** What is not said to be something else, each tunnel has for itself. */
  readonly scope: MemberScope;
}

/** Every flag of the client by its name, which is its name in a file as well. */
export const CONFIG_MEMBERS: ReadonlyMap<string, ConfigMember> = new Map(
  Object.entries(CLIENT_FLAGS).map(([option, flag]) => [
    flagName(option),
    { flag, scope: scopeOf(option) },
  ]),
);

function scopeOf(option: string): MemberScope {
  return new Map(Object.entries(SCOPES)).get(option) ?? "tunnels";
}

/** Members with a secret in them, which others should not read. */
export const SECRET_MEMBERS: readonly string[] = ["token", "inspect-token", "basic-auth", "proxy"];
