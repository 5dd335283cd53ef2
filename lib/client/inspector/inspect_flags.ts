import { UsageError } from "../../cli/command_line.ts";
import { type FlagValues, sizeFlag, textFlag, valueFlag } from "../../cli/flags.ts";
import { authorityOf, parseAuthority, withoutBrackets } from "../../net/authority.ts";
import { type InspectorPlace, isLoopback } from "./visit_guard.ts";

const INSPECTOR = "The inspector";

const DEFAULT_PLACE: InspectorPlace = { host: "127.0.0.1", port: 4040 };

const MIB = 1024 * 1024;

/** Bytes of memory for records, unless it is said; and at least, which is more than one exchange ever takes. */
const DEFAULT_MEMORY = 64 * MIB;
export const LEAST_MEMORY = 4 * MIB;

/** Bytes at most: V8's heap ends at 4 GiB. */
const MOST_MEMORY = 1024 * MIB;

/** The options of the inspector with their flags. */
export const INSPECT_FLAGS = {
  /** Where it listens; null for no inspector. */
  inspect: valueFlag("<host:port>", parsePlace, {
    group: INSPECTOR,
    help: "where requests are seen and sent again, or the next free one of ten ports; off for none",
    default: DEFAULT_PLACE,
    defaultText: "127.0.0.1:4040",
  }),
  /** Bytes that records may take. */
  inspectMemory: sizeFlag({
    group: INSPECTOR,
    help: "what recorded requests may take; the oldest are forgotten first",
    default: DEFAULT_MEMORY,
    defaultText: "64mib",
    least: LEAST_MEMORY,
    most: MOST_MEMORY,
  }),
  /** What is asked of those who look; null for nothing. */
  inspectToken: textFlag({
    group: INSPECTOR,
    help: "a secret that the inspector asks for; needed when it listens for other machines",
    placeholder: "<secret>",
    default: null,
  }),
};

/** @throws {UsageError} for an inspector that other machines could open without a token. */
export function checkInspectToken(
  { inspect, inspectToken }: Pick<
    FlagValues<typeof INSPECT_FLAGS>,
    "inspect" | "inspectToken"
  >,
): void {
  if (inspect === null || isLoopback(inspect.host) || inspectToken !== null) return;
  const place = authorityOf(inspect);
  throw new UsageError(`--inspect ${place} is for other machines too and needs --inspect-token`);
}

function parsePlace(text: string): InspectorPlace | null {
  if (text === "off") return null;
  const authority = parseAuthority(/^[0-9]+$/.test(text) ? `${DEFAULT_PLACE.host}:${text}` : text);
  if (authority === undefined || authority.port === null) {
    throw new RangeError("must be off, a port, or an address and a port such as 127.0.0.1:4040");
  }
  return { host: withoutBrackets(authority.name), port: authority.port };
}
