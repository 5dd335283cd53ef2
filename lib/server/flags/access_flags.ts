import { textFlag, valueFlag } from "../../cli/flags.ts";
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
  adminToken: textFlag({
    group: ACCESS,
    help: "secret that opens /tunnels, the list of tunnels; better in the environment than here",
    placeholder: "<secret>",
    default: null,
    defaultText: "no list",
  }),
};
