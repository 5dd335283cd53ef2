import { ACCESS_FLAGS } from "./access_flags.ts";
import { CERTIFICATE_FLAGS } from "./certificate_flags.ts";
import { LIMIT_FLAGS } from "./limit_flags.ts";
import { LISTENING_FLAGS } from "./listening_flags.ts";
import { NODE_FLAGS } from "./node_flags.ts";
import { PROGRAM_FLAGS } from "./program_flags.ts";
import { VISITOR_FLAGS } from "./visitor_flags.ts";

/** The options of a `TunnelServer`, which a program gives as the command line does. */
export const TUNNEL_SERVER_FLAGS = {
  ...LISTENING_FLAGS,
  ...VISITOR_FLAGS,
  ...ACCESS_FLAGS,
  ...LIMIT_FLAGS,
  ...NODE_FLAGS,
};

/** Every option of `tunnel-server` with its flag, as the help lists them. */
export const SERVER_FLAGS = {
  ...LISTENING_FLAGS,
  ...CERTIFICATE_FLAGS,
  ...TUNNEL_SERVER_FLAGS,
  ...PROGRAM_FLAGS,
};
