import type { Environment } from "./command_line.ts";
import { lookUp } from "./command_line.ts";

/**
 * Asks the environment once for each variable, for those in `ahead` at once: later a program may have no leave to ask
 * for one that it has not asked for yet.
 */
export function rememberedEnvironment(
  environment: Environment,
  ahead: readonly string[],
): (name: string) => string | undefined {
  const known = new Map(ahead.map((name) => [name, lookUp(environment, name)]));
  return (name) => {
    if (!known.has(name)) known.set(name, lookUp(environment, name));
    return known.get(name);
  };
}
