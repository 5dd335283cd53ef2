import { type Finding, right, unknown, wrong } from "../../cli/doctor/finding.ts";
import { Log } from "../../cli/log.ts";
import type { NodeRecord } from "../bus/bus.ts";
import { RedisBus } from "../bus/redis_bus.ts";
import { NodeQuestions } from "../cluster/node_questions.ts";

export interface NodesCheckOptions {
  /** The URL of Redis. */
  readonly bus: string;
  readonly domain: string;
  readonly adminToken: string | null;
  /** Milliseconds that the nodes have for an answer. @default 2000 */
  readonly patience?: number;
}

const CHECK = "nodes";

/** Milliseconds: twice what operators wait for a list, since nobody looks at a doctor twice a second. */
const PATIENCE = 2_000;

/** What every version answers, and does nothing for: it is the answer that tells something. */
const NOTHING = "{}";

/**
 * Tells whether the nodes that run have the same admin token. They are asked as they ask each other: with a message
 * that is sealed with a key made of it, so that the token itself goes nowhere.
 */
export async function checkNodes(options: NodesCheckOptions): Promise<Finding> {
  const { bus: url, domain, adminToken: secret, patience = PATIENCE } = options;
  if (secret === null) {
    return unknown(
      CHECK,
      "not asked: without --admin-token a node has nothing to do with operators",
    );
  }
  const bus = await RedisBus.connect(url, { domain });
  const node = `doctor-${crypto.randomUUID()}`;
  const questions = new NodeQuestions({
    ...{ bus, node, secret, domain },
    answer: () => NOTHING,
    log: new Log({ format: "text", level: "error", write() {} }),
  });
  try {
    const { answers, silent, isBusUp } = await questions.ask(NOTHING, patience);
    return isBusUp ? judged(answers.size, silent) : unknown(CHECK, "Redis could not be asked");
  } finally {
    await questions.close();
    await bus.close();
  }
}

function judged(answering: number, silent: readonly NodeRecord[]): Finding {
  if (silent.length > 0) {
    const names = silent.map(({ id, url }) => url ?? id).sort().join(", ");
    const text = `no answer from ${names}: another --admin-token or none, or it ended or hangs`;
    return wrong(CHECK, text, "Give each node the same --admin-token, else bans do not reach it");
  }
  const text = answering === 0 ? "none runs" : `${answering} with this --admin-token`;
  return right(CHECK, text);
}
