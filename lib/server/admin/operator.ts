import type { Log } from "../../cli/log.ts";
import type { AuthorizedKeys } from "../access/authorized_keys.ts";
import { isPublic } from "../access/client_token.ts";
import type { DenyList } from "../access/deny_list.ts";
import type { RegistrationPolicy } from "../access/registration_policy.ts";
import type { Bus } from "../bus/bus.ts";
import type { Registry } from "../tunnels/registry.ts";
import { AdminActions } from "./admin_actions.ts";
import { AllNodes } from "./all_nodes.ts";
import { OperatorPages } from "./operator_pages.ts";
import { OtherNodes } from "./other_nodes.ts";
import type { ServerMetrics } from "./server_metrics.ts";
import { TunnelList } from "./tunnel_list.ts";
import type { TunnelVisitCounts } from "./tunnel_visit_counts.ts";

export interface OperatorOptions {
  readonly registry: Registry;
  readonly registrationPolicy: RegistrationPolicy;
  readonly denyList: DenyList;
  readonly metrics: ServerMetrics;
  readonly visits: TunnelVisitCounts;
  /** The secret of the operator; null for a server that knows none. */
  readonly adminToken: string | null;
  /** The origin of the operator's pages; null where there is no name for it. */
  readonly origin: string | null;
  readonly domain: string;
  readonly publicUrl: string | null;
  /** null for a server that is alone. */
  readonly bus: Bus | null;
  /** This node's id; null likewise. */
  readonly node: string | null;
  /** Where other nodes reach this one directly; null for over the bus. */
  readonly nodeUrl: string | null;
  readonly log: Log;
}

/** What a server has for its operator: who is there, what is done about them, here and at the other nodes. */
export class Operator {
  readonly pages: OperatorPages;
  readonly #actions: AdminActions;
  readonly #others: OtherNodes | null;

  constructor({ metrics, visits, adminToken, origin, nodeUrl, ...options }: OperatorOptions) {
    const { registry, registrationPolicy, node, log } = options;
    this.#actions = new AdminActions(options);
    this.#others = OtherNodes.open({
      ...options,
      adminToken,
      endBanned: () => this.#actions.endBanned(),
      answer: (question) => nodes.answer(question),
    });
    const nodes = new AllNodes({
      actions: this.#actions,
      tunnels: new TunnelList({
        registry,
        node,
        commentOf: (key) => registrationPolicy.commentOf(key),
        visitsOf: (hostname) => visits.of(hostname),
      }),
      node,
      url: nodeUrl,
      others: this.#others,
    });
    this.pages = new OperatorPages({
      ...{ metrics, nodes, origin, log },
      token: adminToken,
      isPublic: isPublic(options),
    });
  }

  /** Takes another list of keys, ends the sessions of those that are not in it, and returns how many these were. */
  authorize(keys: AuthorizedKeys): number {
    return this.#actions.authorize(keys);
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#actions.close();
    await this.#others?.close();
  }
}
