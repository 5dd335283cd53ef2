import { DenoNetwork } from "./deno_network.ts";
import type { Network } from "./network.ts";
import { NodeNetwork } from "./node_network.ts";

/** The network of the runtime that this runs in: Deno's, or that of Node, which Bun has as well. */
export const SYSTEM_NETWORK: Network = "Deno" in globalThis ? new DenoNetwork() : new NodeNetwork();
