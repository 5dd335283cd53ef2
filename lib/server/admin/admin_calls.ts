import type { Banned } from "./operator_view.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { methodNotAllowed } from "../proxy/error_page.ts";
import type { AdminActions } from "./admin_actions.ts";
import { type Act, answered, type Call, CallError, json, textOf } from "./json_call.ts";

/** The calls of an operator's programs, as paths. */
export const ADMIN_CALLS = {
  disconnect: "/admin/disconnect",
  ban: "/admin/ban",
  unban: "/admin/unban",
  bans: "/admin/bans",
} as const;

/** Does what an operator's calls ask for. Who calls was looked at before. */
export class AdminCalls {
  readonly #actions: AdminActions;
  readonly #node: string | null;

  /** `node` is the server that these are the tunnels of; null for one that is alone. */
  constructor(actions: AdminActions, node: string | null) {
    this.#actions = actions;
    this.#node = node;
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
      ? json(200, { node: this.#node, bans: this.#actions.bans })
      : methodNotAllowed(visit, ["GET", "HEAD"]);
  }

  #actAt(path: string): Act | null {
    const actions = this.#actions;
    switch (path) {
      case ADMIN_CALLS.disconnect:
        return (call, by) => {
          const tunnel = textOf(call, "tunnel");
          const ended = actions.disconnect(tunnel, by);
          if (ended === 0) throw new CallError(404, `there is no tunnel ${tunnel} here`);
          return { ended };
        };
      case ADMIN_CALLS.ban:
        return async (call, by) =>
          await actions.ban({ ...this.#bannedOf(call), reason: textOf(call, "reason", "") }, by);
      case ADMIN_CALLS.unban:
        return async (call, by) => {
          const banned = this.#bannedOf(call);
          if (!await actions.unban(banned, by)) {
            throw new CallError(404, `there is no ban of ${banned.value}`);
          }
          return { unbanned: banned };
        };
      default:
        return null;
    }
  }

  /** Reads whom a call means: a key, a network, or the key of a tunnel that is here. */
  #bannedOf(call: Call): Banned {
    const given = (["key", "network", "tunnel"] as const).filter((name) =>
      call[name] !== undefined
    );
    const [name] = given;
    if (name === undefined || given.length > 1) {
      throw new CallError(400, "the call must have one of key, network and tunnel");
    }
    const value = textOf(call, name);
    if (name !== "tunnel") return { kind: name, value };
    const key = this.#actions.keyOf(value);
    if (key === null) throw new CallError(404, `there is no tunnel ${value} here`);
    return { kind: "key", value: key };
  }
}
