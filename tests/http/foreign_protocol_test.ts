import { assertEquals } from "@std/assert";
import { foreignProtocol } from "../../lib/http/foreign_protocol.ts";
import { toBytes } from "../testing/latin1.ts";

function recognise(text: string): string | null {
  const octets = toBytes(`##${text}`);
  return foreignProtocol(octets, 2, octets.length);
}

Deno.test("foreignProtocol knows a record of TLS by three bytes, whatever its type", () => {
  const records = [
    "\x15\x03\x01\0\x02\x02\x46",
    "\x15\x03\x03",
    "\x16\x03\x03\0\x7a\x02",
    "\x17\x03\0",
  ];
  for (const record of records) assertEquals(recognise(record), "TLS", JSON.stringify(record));
  for (
    const other of [
      "\x15",
      "\x15\x03",
      "\x13\x03\x03",
      "\x18\x03\x03",
      "\x16\x02\0",
      "\x16\x03\x05",
    ]
  ) {
    assertEquals(recognise(other), null, JSON.stringify(other));
  }
});

Deno.test("foreignProtocol knows HTTP/2 by the frame that its servers begin with", () => {
  const frames = [
    "\0\0\0\x04\0\0\0\0\0",
    "\0\0\x12\x04\0\0\0\0\0\0\x03",
    "\0\0\x08\x07\0\0\0\0\0",
  ];
  for (const frame of frames) {
    assertEquals(recognise(frame), "h2c", JSON.stringify(frame));
    for (let length = 0; length < 9; length++) {
      assertEquals(recognise(frame.slice(0, length)), null);
    }
  }
  const others = [
    "\0\0\x05\x04\0\0\0\0\0",
    "\0\0\0\x04\0\0\0\0\x01",
    "\0\0\0\x00\0\0\0\0\0",
    "\x01\0\0\x04\0\0\0\0\0",
    "HTTP/1.1 200 OK",
    "SSH-2.0-OpenSSH",
  ];
  for (const other of others) assertEquals(recognise(other), null, JSON.stringify(other));
});
