import type { Bus } from "../../lib/server/bus/bus.ts";

/** Claims a name for somebody who has it in no other way yet, of a bus that need not settle, and returns whose it is. */
export async function claimName(
  bus: Pick<Bus, "claimName">,
  name: string,
  owner: string,
  lifetime: number,
): Promise<string | null> {
  return (await bus.claimName({ name, owner, lifetime, isHeld: false, settling: 0 })).owner;
}
