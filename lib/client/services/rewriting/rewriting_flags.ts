import { listFlag, valueFlag } from "../../../cli/flags.ts";
import { parseCrossOrigin } from "./cross_origin.ts";
import { type FieldSetting, parseFieldName, parseFieldSetting } from "./field_rule.ts";

/** The help's group of what concerns the service, which these flags share with others. */
export const SERVICE = "The local service";

const NO_SETTINGS: readonly FieldSetting[] = [];
const NO_NAMES: readonly string[] = [];

/** The options of what is changed between visitor and service, with their flags. */
export const REWRITING_FLAGS = {
  /** Fields of requests that the service gets. */
  setRequestHeader: listFlag("<name: value>", parseFieldSetting, {
    group: SERVICE,
    help: "a field that the service gets, such as 'X-Env: dev', where {visitor}, {host} and " +
      "{path} stand for what was asked; may be repeated",
    default: NO_SETTINGS,
    joint: ": ",
  }),
  /** Names of fields that it does not get. */
  removeRequestHeader: listFlag("<name>", parseFieldName, {
    group: SERVICE,
    help: "a field that the service does not get; may be repeated",
    default: NO_NAMES,
  }),
  /** Fields of answers that visitors get. */
  setResponseHeader: listFlag("<name: value>", parseFieldSetting, {
    group: SERVICE,
    help: "a field that visitors get, likewise; may be repeated",
    default: NO_SETTINGS,
    joint: ": ",
  }),
  /** Names of fields that they do not get. */
  removeResponseHeader: listFlag("<name>", parseFieldName, {
    group: SERVICE,
    help: "a field that visitors do not get; may be repeated",
    default: NO_NAMES,
  }),
  /** Whose pages may read the answers; null leaves it to the service. */
  cors: valueFlag("<origins>", parseCrossOrigin, {
    group: SERVICE,
    help: "sites whose pages may read the answers, with commas between, or * for all; answers " +
      "preflights as well",
    separator: ",",
    default: null,
    defaultText: "as the service says",
  }),
};
