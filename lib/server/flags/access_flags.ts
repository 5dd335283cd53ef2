import { integerFlag, valueFlag } from "../../cli/flags.ts";
import { MIN_TOKEN_LENGTH, parseToken } from "../flag_values.ts";

/** The heading of what lets people in. */
export const ACCESS = "Who may connect";

/** Which secrets let clients and operators in. */
export const ACCESS_FLAGS = {
  /** The secret that clients must know as well; null for none. */
  token: valueFlag("<secret>", parseToken, {
    group: ACCESS,
    help:
      `secret that a client must present as well, of ${MIN_TOKEN_LENGTH} bytes or more; better ` +
      "in the environment than here",
    default: null,
  }),
  /** The secret that opens the list of tunnels; null for no list. */
  adminToken: valueFlag("<secret>", parseToken, {
    group: ACCESS,
    help:
      `secret of ${MIN_TOKEN_LENGTH} bytes or more that opens the operator's page, /tunnels, and ` +
      "/metrics where the world can ask for it; better in the environment than here",
    default: null,
    defaultText: "no list",
  }),
  /** The port for operators on this machine, 0 lets the system choose; null for none. */
  adminPort: integerFlag({
    group: ACCESS,
    help: "port on 127.0.0.1 that shows /metrics and /tunnels without a token",
    placeholder: "<port>",
    default: null,
    defaultText: "none",
    least: 0,
    most: 65_535,
  }),
};
