import type { Log } from "../../cli/log.ts";
import type { DenyList } from "../access/deny_list.ts";
import type { Bus } from "../bus/bus.ts";
import { NodeQuestions } from "../cluster/node_questions.ts";
import { SharedBans } from "./shared_bans.ts";

export interface OtherNodesOptions {
  /** null for a server that is alone. */
  readonly bus: Bus | null;
  /** This node's id; null likewise. */
  readonly node: string | null;
  /** The operator's secret, the same at all nodes that do something for each other; null for none. */
  readonly adminToken: string | null;
  readonly domain: string;
  readonly denyList: DenyList;
  /** Ends the connections of clients that are banned now, and returns how many these were. */
  readonly endBanned: () => number;
  /** Answers a question of another node. */
  readonly answer: (question: string) => string | Promise<string>;
  readonly log: Log;
}

/** What a node and the others do for each other's operators. */
export class OtherNodes {
  readonly questions: NodeQuestions;
  readonly bans: SharedBans;

  private constructor(questions: NodeQuestions, bans: SharedBans) {
    this.questions = questions;
    this.bans = bans;
  }

  /** Begins with it; null for a server that has no others, or no operator. */
  static open(
    { bus, node, adminToken: secret, endBanned, answer, ...options }: OtherNodesOptions,
  ): OtherNodes | null {
    if (bus === null || node === null || secret === null) return null;
    const { domain, denyList, log } = options;
    const bans = new SharedBans({
      ...{ bus, secret, domain, denyList, log },
      onChange() {
        const ended = endBanned();
        log.warn("operator: bans of other nodes have come", { ended });
      },
    });
    return new OtherNodes(new NodeQuestions({ bus, node, secret, domain, answer, log }), bans);
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    await Promise.all([this.questions.close(), this.bans.close()]);
  }
}
