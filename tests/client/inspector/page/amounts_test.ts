import { assertEquals } from "@std/assert";
import { durationText, sizeText } from "../../../../lib/client/inspector/page/amounts.ts";

Deno.test("sizeText writes sizes in the unit that fits", () => {
  const sizes = [0, 999, 1000, 4096, 99_949, 182_000, 1_250_000, 3e9];
  assertEquals(
    sizes.map(sizeText),
    ["0 B", "999 B", "1.0 kB", "4.1 kB", "99.9 kB", "182 kB", "1.3 MB", "3.0 GB"],
  );
});

Deno.test("durationText writes times as a person says them", () => {
  const times = [0.04, 9.9, 41.2, 999.4, 1234, 51_000, 125_000, 3_725_000];
  assertEquals(
    times.map(durationText),
    ["0.0 ms", "9.9 ms", "41 ms", "999 ms", "1.2 s", "51.0 s", "2 min 5 s", "1 h 2 min"],
  );
});
