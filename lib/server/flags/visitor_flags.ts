import { durationFlag, switchFlag, valueFlag } from "../../cli/flags.ts";
import { parseDomain, parsePublicUrl } from "../flag_values.ts";

const GROUP = "What visitors see";

/** Under which names visitors find tunnels, and how long they wait. */
export const VISITOR_FLAGS = {
  /** The name that tunnels are under, in lower case, without a trailing dot. */
  domain: valueFlag("<name>", parseDomain, {
    group: GROUP,
    help: "tunnels are <id>.<name>",
    default: "localhost",
  }),
  /** An origin without a path; null for the one that domain, port and TLS make. */
  publicUrl: valueFlag("<url>", parsePublicUrl, {
    group: GROUP,
    help: "what visitors type, such as https://example.com behind a TLS proxy",
    default: null,
    defaultText: "from domain and port",
  }),
  /** One tunnel for every host. */
  fixed: switchFlag({
    group: GROUP,
    help: "one tunnel for the whole server and every host, where there is no wildcard DNS",
  }),
  /** Milliseconds to wait for the head of an origin's response. */
  timeout: durationFlag({
    group: GROUP,
    help: "wait for the local service to begin its answer, then 504",
    default: 30_000,
    defaultText: "30s",
  }),
};
