import type { Environment } from "../../../cli/command_line.ts";
import { sizeText } from "../../../cli/measures.ts";
import { ProgramError } from "../../../cli/program.ts";
import { escapeUnsafe } from "../../../cli/safe_text.ts";
import { systemReason } from "../../../net/system_reason.ts";
import { ADMIN_CALLS } from "../admin_calls.ts";
import type { Ban, ListedTunnel, TunnelPage } from "../operator_view.ts";
import { missingText, nodeName } from "../reach_text.ts";
import { type AdminAct, type AdminOptions, parseAdminOptions } from "./admin_options.ts";
import { columnText } from "./column_text.ts";

/** Milliseconds for which a server may take to answer. */
const PATIENCE = 30_000;

/**
 * Runs `tunnel-server admin` with the words behind that and returns the exit status: 1 when it was not done.
 *
 * @throws {UsageError | ProgramError} for a wrong call, and for a server that does not do it.
 */
export async function runAdmin(
  args: readonly string[],
  environment: Environment,
  { name, version }: { readonly name: string; readonly version: string },
): Promise<number> {
  const command = parseAdminOptions(args, environment, { name });
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(version);
  if (command.kind !== "run") return 0;
  const answer = await call(command.options);
  console.log(command.options.json ? JSON.stringify(answer) : textOf(command.options, answer));
  return 0;
}

/** What the server answers to any of the calls. */
interface AdminAnswer extends Partial<TunnelPage> {
  readonly bans?: readonly Ban[];
  readonly ban?: Ban;
  readonly ended?: number;
  readonly error?: unknown;
}

/** Asks the server. @throws {ProgramError} when it cannot be asked, or does not do it. */
async function call(options: AdminOptions): Promise<AdminAnswer> {
  const { server, adminToken } = options;
  const { path, body } = requestOf(options);
  const response = await fetch(`${server}${path}`, {
    method: body === null ? "GET" : "POST",
    headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    body: body === null ? null : JSON.stringify(body),
    // The token is for this server alone.
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE),
  }).catch((cause) => {
    throw new ProgramError(`cannot ask ${server}: ${systemReason(cause)}`, 1, { cause });
  });
  const answer = answerOf(await response.text());
  if (response.ok && answer !== null) return answer;
  throw new ProgramError(`${server} did not do it: ${whyNot(response.status, answer)}`, 1);
}

function requestOf(
  { act, search, limit, reason }: AdminOptions,
): { readonly path: string; readonly body: object | null } {
  switch (act.kind) {
    case "list": {
      const query = new URLSearchParams({ search, limit: String(limit) });
      return { path: `/tunnels?${query}`, body: null };
    }
    case "bans":
      return { path: ADMIN_CALLS.bans, body: null };
    case "ban":
      return { path: ADMIN_CALLS.ban, body: { ...act.target, reason } };
    default:
      return { path: ADMIN_CALLS[act.kind], body: act.target };
  }
}

function answerOf(text: string): AdminAnswer | null {
  try {
    const answer: AdminAnswer | null = JSON.parse(text);
    return typeof answer === "object" ? answer : null;
  } catch {
    return null;
  }
}

/** A page of a proxy, or of another server, is no reason for anybody to read. */
function whyNot(status: number, answer: AdminAnswer | null): string {
  if (typeof answer?.error === "string") return escapeUnsafe(answer.error);
  if (status === 401) return "this is not its --admin-token";
  if (status === 429) return "too many wrong tokens came from here; try again in a second";
  if (status === 404) return "it has no pages for an operator; start it with --admin-token";
  return `it answers ${status}`;
}

function textOf({ act }: AdminOptions, answer: AdminAnswer): string {
  const missing = missingText({ nodes: [], isBusAway: false, ...answer });
  const also = missing && `; ${missing}`;
  switch (act.kind) {
    case "list":
      return [tunnelsText(answer), ...missing === "" ? [] : [missing]].join("\n");
    case "bans":
      return bansText(answer.bans ?? []);
    case "disconnect":
      return `disconnected: ${connections(answer.ended)}; the client may come back${also}`;
    case "ban": {
      const { kind, value } = answer.ban ?? {};
      return `banned: ${kind} ${value}; ${connections(answer.ended)} ended${also}${later(missing)}`;
    }
    case "unban":
      return `unbanned: ${shown(act)}${also}${later(missing)}`;
  }
}

/** What is decided of a ban reaches every node in the end. */
function later(missing: string): string {
  return missing && ": this holds there once it arrives";
}

function shown({ target }: Extract<AdminAct, { readonly target: object }>): string {
  return Object.values(target).join(" ");
}

function connections(count = 0): string {
  return count === 1 ? "1 connection" : `${count} connections`;
}

const TUNNEL_TITLES = [
  "TUNNEL",
  "KEY",
  "FROM",
  "SINCE",
  "REQUESTS",
  "REFUSED",
  "OPEN",
  "IN",
  "OUT",
];

function tunnelsText({ tunnels = [], total = 0, nodes = [] }: AdminAnswer): string {
  if (tunnels.length === 0) return "nobody is there";
  const names = new Map(nodes.map((node) => [node.id, nodeName(node)]));
  const cells = (tunnel: ListedTunnel) => {
    const name = names.get(tunnel.node ?? "") ?? "";
    return withNode(tunnelCells(tunnel), names.size > 1 ? name : null);
  };
  const titles = withNode([...TUNNEL_TITLES, "NOTE"], names.size > 1 ? "NODE" : null);
  const table = columnText([titles, ...tunnels.map(cells)]);
  return total === tunnels.length
    ? table
    : `${table}\n${tunnels.length} of ${total}: --limit, --search`;
}

/** Puts a node's name behind the tunnel's; null where there is one node alone. */
function withNode(
  [tunnel = "", ...others]: readonly string[],
  node: string | null,
): readonly string[] {
  return node === null ? [tunnel, ...others] : [tunnel, node, ...others];
}

function tunnelCells(tunnel: ListedTunnel): readonly string[] {
  const { id, name, key, comment, since, connections, streams, bytes, visits } = tunnel;
  const [first = "", ...others] = new Set(connections.map(({ address }) => address));
  return [
    name === "" ? id : name,
    key,
    others.length === 0 ? first : `${first} +${others.length}`,
    since.slice(0, "2027-01-31T12:00".length),
    `${visits.requests}`,
    `${visits.refused}`,
    `${streams}`,
    sizeText(bytes.sent),
    sizeText(bytes.received),
    comment,
  ];
}

function bansText(bans: readonly Ban[]): string {
  if (bans.length === 0) return "nobody is banned";
  return columnText([
    ["KIND", "WHO", "SINCE", "REASON"],
    ...bans.map(({ kind, value, since, reason }) => [kind, value, since, reason]),
  ]);
}
