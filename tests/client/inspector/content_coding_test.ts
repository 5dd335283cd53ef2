import { assertEquals, assertRejects } from "@std/assert";
import zlib from "node:zlib";
import {
  CodingError,
  MAX_DECODED,
  undoCodings,
} from "../../../lib/client/inspector/content_coding.ts";

const TEXT = "a page of text, a page of text, a page of text";

const CODINGS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: zlib.gzipSync,
  "X-GZip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
  identity: (bytes) => bytes,
  "": (bytes) => bytes,
  "deflate, gzip": (bytes) => zlib.gzipSync(zlib.deflateSync(bytes)),
};

const owned = (bytes: Uint8Array) => new Uint8Array(bytes);

async function undo(bytes: Uint8Array, encoding: string, isWhole = true) {
  const body = await undoCodings({ bytes: owned(bytes), isWhole }, encoding);
  return { text: new TextDecoder().decode(body.bytes), isWhole: body.isWhole };
}

Deno.test("undoCodings undoes gzip, deflate with and without its header, br, zstd, and several", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (const [encoding, encode] of Object.entries(CODINGS)) {
    assertEquals(await undo(encode(bytes), encoding), { text: TEXT, isWhole: true }, encoding);
  }
  assertEquals((await undo(zlib.deflateRawSync(bytes), "deflate")).text, TEXT);
});

Deno.test("undoCodings undoes the beginning of a body that was not kept whole", async () => {
  const long = Array.from({ length: 200_000 }, (_, i) => `${i} `).join("");
  for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
    const bytes = CODINGS[encoding]?.(new TextEncoder().encode(long)) ?? new Uint8Array(0);
    const { text, isWhole } = await undo(bytes.subarray(0, bytes.length / 2), encoding, false);
    const found = [long.startsWith(text), text.length > 1000, isWhole];
    assertEquals(found, [true, true, false], encoding);
  }
});

Deno.test("undoCodings stops in a body that would become too long", async () => {
  for (const encode of [zlib.gzipSync, zlib.brotliCompressSync]) {
    const bomb = encode(new Uint8Array(10 * MAX_DECODED));
    const encoding = encode === zlib.gzipSync ? "gzip" : "br";
    const body = await undoCodings({ bytes: owned(bomb), isWhole: true }, encoding);
    assertEquals([body.bytes.length, body.isWhole], [MAX_DECODED, false]);
  }
});

Deno.test("undoCodings refuses unknown codings, too many, and bytes that are in none", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (const encoding of ["compress", "gzip, secret", "gzip", "br", "zstd", "gzip,".repeat(5)]) {
    await assertRejects(() => undo(bytes, encoding), CodingError);
  }
});
