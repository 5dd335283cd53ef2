import { assertEquals } from "@std/assert";
import { mutated, mutationsOf } from "./mutations.ts";

/** Returns what a line may become. */
function changesOf(line: string): string[] {
  return mutationsOf(line).map(({ after }) => after.trim());
}

Deno.test("mutationsOf turns comparisons, conditions, sums, numbers and truths around", () => {
  assertEquals(changesOf("  return a < b;"), ["return a <= b;", "return a >= b;"]);
  assertEquals(changesOf("  return a === b && c;"), [
    "return a !== b && c;",
    "return a === b || c;",
  ]);
  assertEquals(changesOf("  return a + b;"), ["return a - b;"]);
  assertEquals(changesOf("const MOST = 1_000;"), ["const MOST = 1001;", "const MOST = 999;"]);
  assertEquals(changesOf("  return true;"), ["return false;"]);
  assertEquals(changesOf("  if (isOver) return;"), ["if (!(isOver)) return;"]);
  assertEquals(changesOf("  } else if (a.has(b()) && c) {"), [
    "} else if (a.has(b()) || c) {",
    "} else if (!(a.has(b()) && c)) {",
  ]);
  assertEquals(changesOf("  if ("), []);
  assertEquals(changesOf("  const b = count++;"), ["const b = count--;"]);
});

Deno.test("mutationsOf takes statements out", () => {
  assertEquals(changesOf("  this.#queue.clear();"), [";"]);
  assertEquals(changesOf("    await stream.end();"), [";"]);
  assertEquals(changesOf("  this.#isOpen = false;"), ["this.#isOpen = true;", ";"]);
});

Deno.test("mutationsOf leaves alone what does nothing: comments, texts, types and imports", () => {
  for (
    const line of [
      "// a < b",
      " * true && false",
      'import { a } from "./a.ts";',
      "  readonly next: number | null;",
      "export type A = 1 | 2;",
      "  throw new RangeError(`${a} < 1`);",
      "  const map = new Map<string, number>();",
      "  const go = (a) => b;",
    ]
  ) assertEquals(changesOf(line), [], line);
  assertEquals(changesOf('  return a("b < c && 1"); // 2'), []);
});

Deno.test("mutated changes one line and no other", () => {
  const source = "a(\n  b < c,\n);\n";
  const [first] = mutationsOf(source);
  assertEquals(first?.line, 2);
  assertEquals(first && mutated(source, first), "a(\n  b <= c,\n);\n");
});
