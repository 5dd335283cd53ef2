import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { SealedTexts } from "../../../lib/server/bus/sealed_texts.ts";

const OURS = { secret: "the same at every node", domain: "tunnel.example.com" };
const TEXT = "-----BEGIN PRIVATE KEY----- ä€😀";

Deno.test("SealedTexts are read by nodes with the same secret and domain alone, and by nobody on the bus", async () => {
  const memory = new BusMemory();
  const of = (options: typeof OURS) => SealedTexts.make({ bus: new MemoryBus(memory), ...options });
  const one = await of(OURS);
  await one.keep("certificate", TEXT, 60_000);
  const other = await of(OURS);
  assertEquals(await other.find("certificate"), TEXT);
  assertEquals(await other.find("another"), null);
  for (
    const strange of [{ ...OURS, secret: "another secret" }, { ...OURS, domain: "example.com" }]
  ) {
    assertEquals(await (await of(strange)).find("certificate"), null);
  }
  const kept = await new MemoryBus(memory).findText("certificate") ?? "";
  assert(!atob(kept).includes("PRIVATE"));
  await one.keep("certificate", TEXT, 60_000);
  assertNotEquals(await new MemoryBus(memory).findText("certificate"), kept);
});

Deno.test("SealedTexts takes for nothing what no node has kept under that name", async () => {
  const bus = new MemoryBus();
  const texts = await SealedTexts.make({ bus, ...OURS });
  await texts.keep("proofs", TEXT);
  const kept = await bus.findText("proofs") ?? "";
  const flipped = Uint8Array.from(atob(kept), (character) => character.charCodeAt(0));
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const strange = {
    "moved from another name": kept,
    "changed": btoa(String.fromCharCode(...flipped)),
    "cut": kept.slice(0, 16),
    "empty": "",
    "no base64": "{}",
    "in clear": btoa(TEXT.slice(0, 20)),
  };
  for (const [name, text] of Object.entries(strange)) {
    await bus.keepText("certificate", text, 60_000);
    assertEquals(await texts.find("certificate"), null, name);
  }
});
