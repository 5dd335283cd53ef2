import { DenoRuntime } from "./deno_runtime.ts";
import { NodeRuntime } from "./node_runtime.ts";
import type { Runtime } from "./runtime.ts";

/** The runtime that this runs in. */
export const SYSTEM_RUNTIME: Runtime = "Deno" in globalThis ? new DenoRuntime() : new NodeRuntime();
