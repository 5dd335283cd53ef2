import { assertEquals } from "@std/assert";
import { hexLines } from "../../../../lib/client/inspector/page/hex_lines.ts";

Deno.test("hexLines writes places, digits and characters", () => {
  const octets = new Uint8Array([...new TextEncoder().encode("GET / HTTP/1.1"), 13, 10, 0, 255]);
  assertEquals(hexLines(octets).split("\n"), [
    "000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1··",
    "000010  00 ff                                             ··",
  ]);
});
