import { durationFlag } from "../../cli/flags.ts";
import { OptionError, optionValue, optionValues, refuseOthers } from "../../cli/option_values.ts";
import { isGuarded, makeVisitorPolicy, type VisitorRules } from "../../identity/visitor_policy.ts";
import { certificatesIn } from "../authority_file.ts";
import { CLIENT_FLAGS } from "../flags.ts";
import { DIRECT, proxiesFor } from "../proxies.ts";
import type { InspectorOptions } from "../inspector/inspector.ts";
import { isLoopback } from "../inspector/visit_guard.ts";
import { DESTINATION_FLAGS } from "../services/destinations/destination_flags.ts";
import type { DestinationOptions } from "../services/destinations/destination_service.ts";
import { REWRITING_FLAGS } from "../services/rewriting/rewriting_flags.ts";
import type { Rewriting } from "../services/rewriting/rewriting_service.ts";
import type { TunnelClientOptions } from "../tunnel_client.ts";
import { rulesOf, VISITOR_FLAGS, visitorConflict } from "../visitor_flags.ts";
import { readTunnelKey } from "./tunnel_key.ts";
import type { TunnelOptions } from "./tunnel_options.ts";

/** The options of a tunnel once they were read: parsed, with their defaults, and with the key. */
export interface ReadTunnelOptions
  extends
    Omit<TunnelClientOptions, "service" | "mark" | "once" | "proxies">,
    Required<Pick<TunnelClientOptions, "proxies">> {
  readonly signal: AbortSignal | null;
  /** In milliseconds; may be infinite. */
  readonly connectTimeout: number;
  readonly inspector: Pick<InspectorOptions, "place" | "token" | "memory"> | null;
  /** What is changed between visitor and service. */
  readonly rewriting: Rewriting;
  /** Where visitors may go, and what an `https://` service or destination is trusted by. */
  readonly destinations: Pick<DestinationOptions, "allow" | "deny" | "trust">;
}

/** Options that are what their flags are. */
const VALUE_FLAGS = {
  label: CLIENT_FLAGS.label,
  name: CLIENT_FLAGS.name,
  token: CLIENT_FLAGS.token,
  connections: CLIENT_FLAGS.connections,
  insecureOrigin: CLIENT_FLAGS.insecureOrigin,
  ...VISITOR_FLAGS,
  ...REWRITING_FLAGS,
  ...DESTINATION_FLAGS,
};

/** The names of all options; the type has them all. */
export const TUNNEL_OPTIONS: readonly string[] = [
  ...["server", "key", ...Object.keys(VALUE_FLAGS), "originAuthorities", "proxy", "authorities"],
  ...["signal", "connectTimeout", "inspector"],
];

/**
 * Reads the options of a tunnel by the flags of the command line.
 *
 * @throws {OptionError} at the first that is wrong, and for one that does not exist.
 */
export async function readTunnelOptions(options: TunnelOptions): Promise<ReadTunnelOptions> {
  refuseOthers(options, TUNNEL_OPTIONS);
  if (options.server === undefined) {
    throw new OptionError("server", "is needed: the URL of a tunnel server");
  }
  const servers = [...new Set(optionValue("server", CLIENT_FLAGS.server, options.server))];
  const proxy = optionValue("proxy", CLIENT_FLAGS.proxy, options.proxy) ?? DIRECT;
  const values = optionValues(VALUE_FLAGS, options);
  const { label, name, token, connections } = values;
  const { allowDestination: allow, denyDestination: deny, insecureOrigin: isInsecure } = values;
  const rules = checkedRules(rulesOf(values));
  if (allow.length > 0 && !isGuarded(rules)) {
    const problem =
      "would let everybody send requests from this machine: give basicAuth or allowIp";
    throw new OptionError("allowDestination", problem);
  }
  const authorities = authoritiesOf("originAuthorities", options.originAuthorities);
  const others = {
    servers,
    proxies: proxiesFor(servers, proxy, {}),
    ...{ label, name, token, connections },
    authorities: authoritiesOf("authorities", options.authorities),
    signal: signalOf(options.signal),
    connectTimeout: timeoutOf(options.connectTimeout),
    inspector: inspectorOf(options.inspector),
    rewriting: values,
    destinations: { allow, deny, trust: { authorities, isInsecure } },
  };
  // It comes last: a key file is made only for a tunnel whose other options are right.
  const key = await readTunnelKey(options.key ?? "memory");
  return { ...others, key, policy: await makeVisitorPolicy(rules, key) };
}

/** @throws {OptionError} for rules that do not go together. */
function checkedRules(rules: VisitorRules): VisitorRules {
  const conflict = visitorConflict(rules, (option) => option);
  if (conflict === null) return rules;
  throw new OptionError(conflict.option, conflict.problem);
}

/** A file's server can be down for as long; a program that cannot be published should not wait for longer unasked. */
const CONNECT_TIMEOUT = durationFlag({
  group: "The tunnel's server",
  help: "how long to wait for a first server",
  default: 30_000,
});

function timeoutOf(timeout: number | undefined): number {
  return timeout === Infinity ? timeout : optionValue("connectTimeout", CONNECT_TIMEOUT, timeout);
}

function signalOf(signal: AbortSignal | undefined): AbortSignal | null {
  if (signal === undefined) return null;
  if (signal instanceof AbortSignal) return signal;
  throw new OptionError("signal", "must be an AbortSignal");
}

/** Finds the certificates that an option gives. @throws {OptionError} for a text without any. */
function authoritiesOf(
  option: string,
  authorities: string | readonly string[] = [],
): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(authorities) ? authorities : [authorities];
  return texts.flatMap((text) => {
    try {
      return certificatesIn(typeof text === "string" ? text : "");
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new OptionError(option, cause.message, { cause });
    }
  });
}

function inspectorOf(inspector: TunnelOptions["inspector"]): ReadTunnelOptions["inspector"] {
  if (inspector === undefined || inspector === null) return null;
  const settings = typeof inspector === "object" ? inspector : { address: inspector };
  refuseOthers(settings, ["address", "token", "memory"]);
  const { inspect, inspectToken, inspectMemory } = CLIENT_FLAGS;
  const place = optionValue("inspector", inspect, textOf(settings.address));
  const token = optionValue("inspector.token", inspectToken, settings.token);
  const memory = optionValue("inspector.memory", inspectMemory, settings.memory);
  if (place === null) return null;
  if (token === null && !isLoopback(place.host)) {
    throw new OptionError("inspector", "is for other machines too and needs a token");
  }
  return { place, token, memory };
}

/** A port may be a number. */
function textOf(address: number | string | undefined): string | undefined {
  return address === undefined ? undefined : String(address);
}
