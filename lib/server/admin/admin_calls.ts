import type { Banned, Reach } from "./operator_view.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { methodNotAllowed } from "../proxy/error_page.ts";
import type { AllNodes } from "./all_nodes.ts";
import { type Act, answered, type Call, CallError, json, textOf } from "./json_call.ts";
import { missingText } from "./reach_text.ts";

/** The calls of an operator's programs, as paths. */
export const ADMIN_CALLS = {
  disconnect: "/admin/disconnect",
  ban: "/admin/ban",
  unban: "/admin/unban",
  bans: "/admin/bans",
} as const;

/** Does what an operator's calls ask for. Who calls was looked at before. */
export class AdminCalls {
  readonly #nodes: AllNodes;

  constructor(nodes: AllNodes) {
    this.#nodes = nodes;
  }

  /** Returns what answers a call at a path; null where there is none. */
  at(path: string): ((visit: Visit) => Answer | Promise<Answer>) | null {
    if (path === ADMIN_CALLS.bans) return (visit) => this.#bans(visit);
    const act = this.#actAt(path);
    if (act === null) return null;
    return (visit) =>
      visit.method === "POST" ? answered(visit, act) : methodNotAllowed(visit, ["POST"]);
  }

  #bans(visit: Visit): Answer {
    return visit.method === "GET" || visit.method === "HEAD"
      ? json(200, { node: this.#nodes.node, bans: this.#nodes.bans })
      : methodNotAllowed(visit, ["GET", "HEAD"]);
  }

  #actAt(path: string): Act | null {
    const nodes = this.#nodes;
    switch (path) {
      case ADMIN_CALLS.disconnect:
        return async (call, by) => {
          const tunnel = textOf(call, "tunnel");
          const done = await nodes.disconnect(tunnel, by);
          if (done.ended === 0) throw noTunnel(tunnel, done);
          return done;
        };
      case ADMIN_CALLS.ban:
        return async (call, by) => {
          const banned = await this.#bannedOf(call);
          return await nodes.ban({ ...banned, reason: textOf(call, "reason", "") }, by);
        };
      case ADMIN_CALLS.unban:
        return async (call, by) => {
          const banned = await this.#bannedOf(call);
          const reach = await nodes.unban(banned, by);
          if (reach === null) throw new CallError(404, `there is no ban of ${banned.value}`);
          return { unbanned: banned, ...reach };
        };
      default:
        return null;
    }
  }

  /** Reads whom a call means: a key, a network, or the key of a tunnel that is on some node. */
  async #bannedOf(call: Call): Promise<Banned> {
    const given = (["key", "network", "tunnel"] as const).filter((name) =>
      call[name] !== undefined
    );
    const [name] = given;
    if (name === undefined || given.length > 1) {
      throw new CallError(400, "the call must have one of key, network and tunnel");
    }
    const value = textOf(call, name);
    if (name !== "tunnel") return { kind: name, value };
    const { key, reach } = await this.#nodes.keyOf(value);
    if (key === null) throw noTunnel(value, reach);
    return { kind: "key", value: key };
  }
}

function noTunnel(tunnel: string, reach: Reach): CallError {
  const missing = missingText(reach);
  return new CallError(404, `there is no tunnel ${tunnel} here${missing && `, but ${missing}`}`);
}
