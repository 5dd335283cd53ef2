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
  #telling: Promise<unknown> = Promise.resolve();

  private constructor(
    secret: string,
    { bus, node, domain, denyList, endBanned, answer, log }: Opened,
  ) {
    this.questions = new NodeQuestions({ bus, node, secret, domain, answer, log });
    this.bans = new SharedBans({
      ...{ bus, secret, domain, denyList, log },
      onChange() {
        log.warn("operator: bans of other nodes have come", { ended: endBanned() });
      },
      onShared: () => {
        this.#telling = this.questions.ask(LOOK, PATIENCE);
      },
    });
  }

  /** Begins with it; null for a server that has no others, or no operator. */
  static open({ bus, node, adminToken, ...options }: OtherNodesOptions): OtherNodes | null {
    if (bus === null || node === null || adminToken === null) return null;
    return new OtherNodes(adminToken, { bus, node, ...options });
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    await Promise.all([this.questions.close(), this.bans.close()]);
    await this.#telling;
  }
}

/** The options of a node that has others. */
interface Opened extends Omit<OtherNodesOptions, "bus" | "node" | "adminToken"> {
  readonly bus: Bus;
  readonly node: string;
}

/** Asks a node to look at the bans on the bus. */
const LOOK = JSON.stringify({ ask: "look" });

/** Milliseconds that the others have for it; nothing waits for their answers. */
const PATIENCE = 1_000;
