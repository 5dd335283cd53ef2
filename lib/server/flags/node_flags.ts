import { durationFlag, integerFlag, switchFlag, valueFlag } from "../../cli/flags.ts";
import { parsePublicUrl } from "../flag_values.ts";

/** The heading of what servers of one domain need, and a server that takes the place of another. */
export const NODES = "Several nodes and restarts";

/** How nodes reach each other, and how a server starts and stops beside others. */
export const NODE_FLAGS = {
  /** An origin without a path; null where the other nodes come over the bus alone. */
  nodeUrl: valueFlag("<url>", parsePublicUrl, {
    group: NODES,
    help: "where the other nodes reach this one directly, such as http://10.0.0.7:6519",
    default: null,
    defaultText: "over the bus",
  }),
  /** The port for clients alone, 0 lets the system choose; null for none. */
  clientPort: integerFlag({
    group: NODES,
    help: "second port, for clients alone: a restart can let their connections live on",
    placeholder: "<port>",
    default: null,
    defaultText: "the same port",
    least: 0,
    most: 65_535,
  }),
  /** Lets another process listen on the same ports. */
  reusePort: switchFlag({
    group: NODES,
    help: "let a new process listen beside this one, for a restart without a gap",
  }),
  /** Milliseconds to wait for a tunnel that was lost in the last minute. */
  acquireTimeout: durationFlag({
    group: NODES,
    help: "wait for a client that was lost in the last minute to come back, then 502",
    default: 5_000,
    defaultText: "5s",
  }),
  /** Milliseconds that what is in flight may take to finish when the server stops. */
  drainTimeout: durationFlag({
    group: NODES,
    help: "let what is in flight finish when the server stops",
    default: 30_000,
    defaultText: "30s",
  }),
};
