import type { Log } from "../../cli/log.ts";
import { ErrorCode } from "../../wire/errors.ts";
import type { AuthorizedKeys } from "../access/authorized_keys.ts";
import type { BanRecord } from "../access/ban_records.ts";
import type { DenyList } from "../access/deny_list.ts";
import type { Ban, Banned } from "./operator_view.ts";
import type { RegistrationPolicy } from "../access/registration_policy.ts";
import type { ClientUpstream } from "../tunnels/client_upstream.ts";
import type { Registry } from "../tunnels/registry.ts";

/** Milliseconds after which the time is looked at again, whether a key's is up. */
const LOOK_AGAIN = 60_000;

/** What a client is told that has to go. */
const BANNED = "not_authorized: banned by the operator of this server";

export interface AdminActionsOptions {
  readonly registry: Registry;
  readonly registrationPolicy: RegistrationPolicy;
  readonly denyList: DenyList;
  /** Gets a line for each act. */
  readonly log: Log;
}

/** What an operator does about those who are connected; `by` is the operator's address. */
export class AdminActions {
  readonly #options: AdminActionsOptions;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: AdminActionsOptions) {
    this.#options = options;
    this.#awaitExpiry();
  }

  /** In the order in which they came. */
  get bans(): readonly Ban[] {
    return this.#options.denyList.bans;
  }

  /** Returns what was decided last about a key or a network; null for nothing. */
  recordOf(banned: Banned): BanRecord | null {
    return this.#options.denyList.records.of(banned);
  }

  /** Returns the key of the tunnel that a text names by its id, its name or a hostname; null where none is here. */
  keyOf(tunnel: string): string | null {
    return this.#upstreamsOf(tunnel)[0]?.thumbprint ?? null;
  }

  /** Ends the connections of a tunnel, whose client may come back, and returns how many these were. */
  disconnect(tunnel: string, by: string): number {
    const upstreams = this.#upstreamsOf(tunnel);
    for (const { session } of upstreams) {
      session.close(ErrorCode.GoingAway, "the operator of the server has disconnected this client");
    }
    this.#note("disconnected", { tunnel, ended: upstreams.length, by });
    return upstreams.length;
  }

  /**
   * Keeps clients away, and returns the ban with the number of connections that it ended.
   *
   * @throws {DenyListError} when it is none, or there are too many.
   * @throws {StateError} when it cannot be kept.
   */
  async ban(
    { kind, value, reason }: Omit<Ban, "since">,
    by: string,
  ): Promise<{ readonly ban: Ban; readonly ended: number }> {
    const ban = await this.#options.denyList.add({ kind, value, reason });
    const ended = this.endBanned();
    this.#note("banned", { [kind]: value, reason, ended, by });
    return { ban, ended };
  }

  /** Lifts a ban, and tells whether there was one. @throws {StateError} when that cannot be kept. */
  async unban({ kind, value }: Banned, by: string): Promise<boolean> {
    const isLifted = await this.#options.denyList.remove({ kind, value });
    this.#note(isLifted ? "unbanned" : "unbanned nobody", { [kind]: value, by });
    return isLifted;
  }

  /** Ends the connections of clients that are banned now, as by another node, and returns how many these were. */
  endBanned(): number {
    return this.endRefused(BANNED);
  }

  /** Takes what was decided at another node, and returns how many connections that ended. */
  async take(record: BanRecord, by: string): Promise<number> {
    const { kind, value, reason, isLifted } = record;
    const { hasChanged, unkept } = await this.#options.denyList.merge([record]);
    if (!hasChanged) return 0;
    const ended = this.endBanned();
    const kept = unkept === null ? {} : { unkept };
    const act = isLifted ? "unbanned at another node" : "banned at another node";
    this.#note(act, { [kind]: value, reason, ended, by, ...kept });
    return ended;
  }

  /** Takes another list of keys, ends the connections of those that are not in it, and returns how many these were. */
  authorize(keys: AuthorizedKeys): number {
    this.#options.registrationPolicy.replaceKeys(keys);
    this.#awaitExpiry();
    return this.endRefused(
      "not_authorized: the key, or its name, is no longer in the server's list",
    );
  }

  /** Ends the connections that would be refused now, and returns how many these were. */
  endRefused(reason: string): number {
    const { registry, registrationPolicy } = this.#options;
    const refused = [...registry.upstreams()].filter((each) => !registrationPolicy.allows(each));
    for (const { session } of refused) session.close(ErrorCode.Unregistered, reason);
    return refused.length;
  }

  /** Does nothing more by itself. */
  close(): void {
    clearTimeout(this.#expiry);
  }

  /** Ends the connections of keys when their time is up. */
  #awaitExpiry(): void {
    clearTimeout(this.#expiry);
    const next = this.#options.registrationPolicy.nextExpiry;
    if (next === null) return;
    // A clock may be set, and a machine may sleep: it is looked at again before a timer of a month is over.
    const wait = Math.min(Math.max(next - Date.now(), 0), LOOK_AGAIN);
    this.#expiry = setTimeout(() => {
      const ended = this.endRefused("not_authorized: the time of the key is up");
      if (ended > 0) this.#options.log.info("keys whose time is up were sent away", { ended });
      this.#awaitExpiry();
    }, wait);
  }

  #upstreamsOf(tunnel: string): ClientUpstream[] {
    const text = tunnel.toLowerCase();
    return [...this.#options.registry.upstreams()].filter(({ id, name, hostnames }) =>
      id === text || (name !== "" && name === text) || hostnames.includes(text)
    );
  }

  /** Acts are few, and matter whatever level is written. */
  #note(act: string, fields: Readonly<Record<string, string | number>>): void {
    this.#options.log.warn(`operator: ${act}`, fields);
  }
}
