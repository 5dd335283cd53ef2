import { choiceFlag, switchFlag, textFlag, valueFlag } from "../../cli/flags.ts";
import { parseBus } from "../flag_values.ts";
import { ACCESS } from "./access_flags.ts";
import { NODES } from "./node_flags.ts";

const OPERATION = "State and log";

/** What the program around a server opens, reads or writes for it. */
export const PROGRAM_FLAGS = {
  /** The path of a file, which is not read here; null lets every key in. */
  authorizedKeys: textFlag({
    group: ACCESS,
    help:
      "file with the clients that may connect, the names that they may take and what they may " +
      "have, a thumbprint a line; SIGHUP reads it again",
    placeholder: "<file>",
    default: null,
    defaultText: "everybody",
  }),
  /** Whether clients need neither token nor place in a list, wherever the server is. */
  open: switchFlag({
    group: ACCESS,
    help: "let everybody connect a client; without it a server with a name of the world's makes " +
      "a token, unless it has one or a list",
  }),
  /** `memory`, or the URL of a Redis server. */
  bus: valueFlag("<memory|redis-url>", parseBus, {
    group: NODES,
    help: "what the nodes of one domain share: memory for a server alone, or redis://host:port",
    default: "memory",
  }),
  /** The path of a folder, which is not opened here; null for the usual one. */
  state: textFlag({
    group: OPERATION,
    help: "folder for what the server keeps: its token, account and certificate; STATE_DIRECTORY " +
      "is asked as well",
    placeholder: "<folder>",
    default: null,
    defaultText: "~/.local/state/tunnel-server",
    extraVariables: ["STATE_DIRECTORY"],
  }),
  /** Whether each request is written. */
  accessLog: switchFlag({
    group: OPERATION,
    help: "write a line for each request to standard error, whatever the level",
  }),
  /** null for text on a terminal and json elsewhere. */
  logFormat: choiceFlag(["text", "json"], {
    group: OPERATION,
    help: "how events are written to standard error",
    default: null,
    defaultText: "text on a terminal, else json",
  }),
  /** The least important level that is written. */
  logLevel: choiceFlag(["debug", "info", "warn", "error"], {
    group: OPERATION,
    help: "the least important events to write",
    default: "info",
  }),
};
