import { assertEquals } from "@std/assert";
import { durationText, middleCut, sizeText } from "../../../lib/client/console/measures.ts";

Deno.test("sizeText tells bytes in the unit that keeps them short", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [112, "112 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [4096, "4.1 kB"],
    [9960, "10 kB"],
    [182_400, "182 kB"],
    [999_600, "1.0 MB"],
    [12_000_000, "12 MB"],
    [3e9, "3.0 GB"],
    [5e15, "5000 TB"],
  ];
  for (const [bytes, text] of cases) assertEquals(sizeText(bytes), text);
});

Deno.test("durationText tells a time in the unit that keeps it short", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0.2, "0 ms"],
    [12.4, "12 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [1240, "1.2 s"],
    [51_000, "51 s"],
    [119_000, "119 s"],
    [180_000, "3 min"],
    [7_200_000, "2 h"],
    [360_000_000, "100 h"],
  ];
  for (const [milliseconds, text] of cases) assertEquals(durationText(milliseconds), text);
});

Deno.test("middleCut keeps both ends of what does not fit", () => {
  assertEquals(middleCut("/assets/app.js", 14), "/assets/app.js");
  assertEquals(middleCut("/assets/app.9f2c.js", 14), "/assets…f2c.js");
  assertEquals(middleCut("abc", 1), "…");
});
