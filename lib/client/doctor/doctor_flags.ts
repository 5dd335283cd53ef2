import { sizeFlag, switchFlag } from "../../cli/flags.ts";
import { CLIENT_FLAGS } from "../flags.ts";

/** The heading of the flags that are the doctor's own. */
export const EXAMINATION = "What is looked at";

/** Bytes: longer than all buffers on a way together, and quick over most. */
const SIZE = 100_000_000;

const { server, proxy, serverCa, token, key, config } = CLIENT_FLAGS;

/** The flags of `tunnel-client doctor`: those of the client that lead to a server, and its own. */
export const DOCTOR_FLAGS = {
  ...{ server, proxy, serverCa, token, key, config },
  /** Bytes sent each way. */
  size: sizeFlag({
    group: EXAMINATION,
    help: "what is downloaded and uploaded through the public URL",
    default: SIZE,
    defaultText: "100mb",
    least: 1000,
    most: 10 * SIZE,
  }),
  /** Also look at what takes more than a minute. */
  long: switchFlag({
    group: EXAMINATION,
    help: "look also whether a stream lives on that is silent for 70 seconds",
  }),
  /** Write JSON in place of a table. */
  json: switchFlag({
    group: EXAMINATION,
    help: "write one object of JSON a server in place of the table",
  }),
};
