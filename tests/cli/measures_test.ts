import { assertEquals } from "@std/assert";
import { durationText, sizeText, speedText } from "../../lib/cli/measures.ts";

Deno.test("sizeText tells bytes in the unit that keeps them short", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [112, "112 B"],
    [999, "999 B"],
    [1000, "1 kB"],
    [4096, "4.1 kB"],
    [9960, "10 kB"],
    [99_949, "99.9 kB"],
    [182_400, "182 kB"],
    [999_600, "1 MB"],
    [12_000_000, "12 MB"],
    [3e9, "3 GB"],
    [5e15, "5000 TB"],
  ];
  for (const [bytes, text] of cases) assertEquals(sizeText(bytes), text);
});

Deno.test("durationText tells a time in the unit that keeps it short", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "<1 ms"],
    [0.9, "<1 ms"],
    [1.4, "1 ms"],
    [12.4, "12 ms"],
    [999.4, "999 ms"],
    [999.6, "1 s"],
    [1240, "1.2 s"],
    [51_000, "51 s"],
    [99_900, "99.9 s"],
    [99_960, "1.7 min"],
    [180_000, "3 min"],
    [5_998_000, "1.7 h"],
    [7_200_000, "2 h"],
    [360_000_000, "100 h"],
  ];
  for (const [milliseconds, text] of cases) assertEquals(durationText(milliseconds), text);
});

Deno.test("speedText tells how much went in a second", () => {
  assertEquals(speedText(41_000_000, 1000), "41 MB/s");
  assertEquals(speedText(500, 0), "500 kB/s");
});
