import { parseJSONObject } from "../../wire/json.ts";
import { type BanRecord, parseBanRecord } from "../access/ban_records.ts";
import type { NodeReplies } from "../cluster/node_questions.ts";
import type { AdminActions } from "./admin_actions.ts";
import { mergedPart } from "./merged_part.ts";
import { NodeAnswer } from "./node_answers.ts";
import type { Ban, Banned, ListedNode, Reach, TunnelPage, TunnelPart } from "./operator_view.ts";
import type { OtherNodes } from "./other_nodes.ts";
import { pageLimit, type TunnelList } from "./tunnel_list.ts";

/** Milliseconds that other nodes have for their lists: a page looks again every two seconds. */
const LIST_PATIENCE = 1_000;

/** Milliseconds that they have for what is to be done. */
const ACT_PATIENCE = 5_000;

/** Characters of a list that is sent to another node: of a hundred nodes they fit into what a bus has in its buffers. */
const MAX_LIST = 256 * 1024;

export interface AllNodesOptions {
  readonly actions: AdminActions;
  readonly tunnels: TunnelList;
  /** This node's id; null for a server that is alone. */
  readonly node: string | null;
  /** Where the others reach it directly; null for over the bus. */
  readonly url: string | null;
  /** null for a server that is alone. */
  readonly others: Pick<OtherNodes, "questions" | "bans"> | null;
}

/** What has ended connections, and where. */
export interface Ended extends Reach {
  readonly ended: number;
}

/** A question of one node to the others. */
type Question =
  | { readonly ask: "look" }
  | { readonly ask: "list"; readonly query: string }
  | { readonly ask: "key"; readonly tunnel: string }
  | { readonly ask: "disconnect"; readonly tunnel: string; readonly by: string }
  | { readonly ask: "ban"; readonly record: BanRecord; readonly by: string };

/** Does what an operator asks for on all nodes of the domain, and shows the tunnels of all. */
export class AllNodes {
  readonly #options: AllNodesOptions;

  constructor(options: AllNodesOptions) {
    this.#options = options;
  }

  /** This node's id; null for a server that is alone. */
  get node(): string | null {
    return this.#options.node;
  }

  /** In the order in which they came. */
  get bans(): readonly Ban[] {
    return this.#options.actions.bans;
  }

  /**
   * Returns the page that the parameters `search`, `after` and `limit` of a query ask for.
   *
   * @throws {RangeError} whose message says what is wrong with the query.
   */
  async list(query: URLSearchParams): Promise<TunnelPage> {
    const { tunnels, node } = this.#options;
    const own = tunnels.page(query);
    const replies = await this.#ask({ ask: "list", query: query.toString() }, LIST_PATIENCE);
    const answers = answersOf(replies);
    const parts = answers.map(({ id, answer }) => ({ id, part: answer.tunnels(id) }));
    const unread = new Set(parts.filter(({ part }) => part === null).map(({ id }) => id));
    const all = [own, ...parts.map(({ part }) => part).filter((part) => part !== null)];
    const reach = this.#reach(replies, answers.filter(({ id }) => !unread.has(id)));
    return { node, ...mergedPart(all, pageLimit(query)), ...reach };
  }

  /** Returns the key of a tunnel that some node has, null for none, and which nodes were asked for it. */
  async keyOf(tunnel: string): Promise<{ readonly key: string | null; readonly reach: Reach }> {
    const own = this.#options.actions.keyOf(tunnel);
    const replies = own === null ? await this.#ask({ ask: "key", tunnel }, ACT_PATIENCE) : null;
    const answers = answersOf(replies);
    const key = own ?? answers.find(({ answer }) => answer.key !== null)?.answer.key ?? null;
    return { key, reach: this.#reach(replies, answers) };
  }

  /** Ends the connections of a tunnel on all nodes; its client may come back. */
  async disconnect(tunnel: string, by: string): Promise<Ended> {
    const ended = this.#options.actions.disconnect(tunnel, by);
    const replies = await this.#ask(
      { ask: "disconnect", tunnel, by: this.#here(by) },
      ACT_PATIENCE,
    );
    return this.#ended(ended, replies);
  }

  /**
   * Keeps clients away from all nodes, also from those that start later, or cannot be reached now.
   *
   * @throws {DenyListError} when it is none, or there are too many.
   * @throws {StateError} when it cannot be kept.
   */
  async ban(ban: Omit<Ban, "since">, by: string): Promise<Ended & { readonly ban: Ban }> {
    const { actions } = this.#options;
    const { ban: made, ended } = await actions.ban(ban, by);
    return { ban: made, ...this.#ended(ended, await this.#tell(ban, by)) };
  }

  /** Lifts a ban on all nodes; null when there was none. @throws {StateError} when that cannot be kept. */
  async unban(banned: Banned, by: string): Promise<Reach | null> {
    const { actions, others } = this.#options;
    // It may have been decided at another node a moment ago.
    if (actions.recordOf(banned)?.isLifted !== false) await others?.bans.sync();
    if (!await actions.unban(banned, by)) return null;
    const replies = await this.#tell(banned, by);
    return this.#reach(replies, answersOf(replies));
  }

  /** Answers another node. */
  async answer(text: string): Promise<string> {
    const { actions } = this.#options;
    const question = questionOf(text);
    switch (question?.ask) {
      case "list":
        return this.#listText(new URLSearchParams(question.query));
      case "key":
        return JSON.stringify({ key: actions.keyOf(question.tunnel) });
      case "disconnect": {
        const { tunnel, by } = question;
        const isHere = actions.keyOf(tunnel) !== null;
        return JSON.stringify({ ended: isHere ? actions.disconnect(tunnel, by) : 0 });
      }
      case "ban":
        return JSON.stringify({ ended: await actions.take(question.record, question.by) });
      case "look":
        await this.#options.others?.bans.sync();
        return "{}";
      default:
        // A question of a later version.
        return "{}";
    }
  }

  /** Tells the other nodes what was decided, and leaves it on the bus for those that are not there. */
  async #tell(banned: Banned, by: string): Promise<NodeReplies | null> {
    const { actions, others } = this.#options;
    const record = actions.recordOf(banned);
    if (record === null || others === null) return null;
    const [replies] = await Promise.all([
      this.#ask({ ask: "ban", record, by: this.#here(by) }, ACT_PATIENCE),
      others.bans.sync(),
    ]);
    return replies;
  }

  /** Names an operator to another node. */
  #here(by: string): string {
    return `${by} at the node ${this.#options.node}`;
  }

  async #ask(question: Question, patience: number): Promise<NodeReplies | null> {
    return await this.#options.others?.questions.ask(JSON.stringify(question), patience) ?? null;
  }

  #ended(own: number, replies: NodeReplies | null): Ended {
    const answers = answersOf(replies);
    const ended = answers.reduce((sum, { answer }) => sum + answer.ended, own);
    return { ended, ...this.#reach(replies, answers) };
  }

  #reach(replies: NodeReplies | null, answers: readonly Answered[]): Reach {
    const { node, url } = this.#options;
    if (node === null) return { nodes: [], isBusAway: false };
    const own: ListedNode = { id: node, url, answers: true };
    if (replies === null) return { nodes: [own], isBusAway: false };
    const answered = new Map(answers.map(({ id, answer }) => [id, answer.url]));
    const others: ListedNode[] = [
      ...[...replies.answers.keys()].map((id) => ({
        id,
        url: answered.get(id) ?? null,
        answers: answered.has(id),
      })),
      ...replies.silent.map(({ id, url }) => ({ id, url, answers: false })),
    ];
    return { nodes: [own, ...others], isBusAway: !replies.isBusUp };
  }

  /** Writes as much of a page as one message takes; the next page has the others. */
  #listText(query: URLSearchParams): string {
    const { tunnels, url } = this.#options;
    let limit = pageLimit(query);
    for (;;) {
      query.set("limit", String(limit));
      const part: TunnelPart = tunnels.page(query);
      const text = JSON.stringify({ url, ...part });
      if (text.length <= MAX_LIST || limit === 1) return text;
      limit = Math.max(1, limit >> 1);
    }
  }
}

interface Answered {
  readonly id: string;
  readonly answer: NodeAnswer;
}

function answersOf(replies: NodeReplies | null): readonly Answered[] {
  return [...replies?.answers ?? []].map(([id, text]) => ({ id, answer: new NodeAnswer(text) }));
}

/** Reads a question; null for one of a later version. @throws {RangeError} for one that no node asks. */
function questionOf(text: string): Question | null {
  const { ask, query, tunnel, by, record } = parseJSONObject(new TextEncoder().encode(text)) ?? {};
  if (ask === "look") return { ask };
  if (ask === "list" && typeof query === "string") return { ask, query };
  if (ask === "key" && typeof tunnel === "string") return { ask, tunnel };
  if (typeof by !== "string") return null;
  if (ask === "disconnect" && typeof tunnel === "string") return { ask, tunnel, by };
  return ask === "ban" ? { ask, record: parseBanRecord(record), by } : null;
}
