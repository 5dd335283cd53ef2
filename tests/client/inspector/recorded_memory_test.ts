import { assertEquals, assertLess } from "@std/assert";
import type { RecordedMemory } from "./recorded_memory.ts";

const MIB = 1024 * 1024;

/** The cases of recorded_memory.ts, and the most bytes that each may be counted with. */
const MOST = {
  // 1,000 messages are kept of 100,000, and 1 MiB of them at most.
  messages: 1.1 * MIB,
  // 256 KiB are kept of each body, and there are 16 each way.
  bodies: 2 * 16 * 0.25 * MIB + 0.1 * MIB,
  // What the store was given.
  full: 16 * MIB,
} as const;

/**
 * What the process holds is asked for after a collection, in a process of its own: by how much a client's resident
 * memory grows depends on how far V8 and the system let it grow before they collect, and on what else the machine does.
 */
Deno.test("Records hold no more than is counted: of 100,000 messages, of 1 GB each way, and of more than fits", async () => {
  const program = new URL("recorded_memory.ts", import.meta.url);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--v8-flags=--expose-gc", program.href],
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  const measured: Record<keyof typeof MOST, RecordedMemory> = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  for (const name of ["messages", "bodies", "full"] as const) {
    const { counted, held } = measured[name];
    assertLess(counted, MOST[name] + 1, `${name}: counted ${counted}`);
    // Objects are counted by and large; a tenth, and half a megabyte for the lists that they stand in.
    assertLess(held, 1.1 * counted + MIB / 2, `${name}: ${held} held, ${counted} counted`);
  }
});
