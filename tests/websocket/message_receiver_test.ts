import { assertEquals, assertThrows } from "@std/assert";
import { decodeText } from "../../lib/websocket/message_receiver.ts";

const encoder = new TextEncoder();

Deno.test("decodeText returns what was encoded, byte order marks and replacement characters too", () => {
  for (
    const text of ["", "plain", "\ufeffmarked", "caf\u00e9 \u{1f600}", "sent so: \ufffd", "\0"]
  ) {
    assertEquals(decodeText(encoder.encode(text)), text);
  }
});

Deno.test("decodeText throws for bytes that are not UTF-8, wherever it stands", () => {
  for (
    const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]]
  ) {
    const around = encoder.encode("\ufffd around \ufffd");
    assertThrows(() => decodeText(new Uint8Array(bytes)), TypeError);
    assertThrows(() => decodeText(new Uint8Array([...around, ...bytes, ...around])), TypeError);
  }
});
