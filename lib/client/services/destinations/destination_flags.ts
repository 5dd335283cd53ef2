import { listFlag } from "../../../cli/flags.ts";
import {
  type DestinationRule,
  parseAllowedDestination,
  parseDeniedDestination,
} from "./destination_rule.ts";

const DESTINATIONS = "Where visitors may go";

const NONE: readonly DestinationRule[] = [];

/** The options of destinations with their flags. */
export const DESTINATION_FLAGS = {
  /** Where visitors may go by naming it. */
  allowDestination: listFlag("<url>", parseAllowedDestination, {
    group: DESTINATIONS,
    help: "where a visitor may go by naming it in X-Proxy-Destination, such as " +
      "https://*.internal:443/api/*; may be repeated (in the environment: a line for each)",
    // Paths and methods have commas.
    separator: "\n",
    default: NONE,
    defaultText: "nowhere",
  }),
  /** Where they may not. */
  denyDestination: listFlag("<url>", parseDeniedDestination, {
    group: DESTINATIONS,
    help: "where a visitor may not go all the same, likewise, or a network: 10.0.0.0/8",
    separator: "\n",
    default: NONE,
    defaultText: "nowhere else",
  }),
};
