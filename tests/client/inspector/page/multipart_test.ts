import { assertEquals } from "@std/assert";
import { parameterOf, partsOf } from "../../../../lib/client/inspector/page/multipart.ts";
import { latin1Of, octetsOf } from "../../../../lib/client/inspector/page/octet_text.ts";

const TYPE = 'multipart/form-data; boundary="x y"';

const BODY = [
  "--x y",
  'Content-Disposition: form-data; name="title"',
  "",
  "bread",
  "--x y",
  'content-disposition: form-data; name="file"; filename="a\\"b.bin"',
  "content-type: application/octet-stream",
  "",
  "\x00\xff\r\n--x",
  "--x y",
  "",
  "bare",
  "--x y--",
  "after",
].join("\r\n");

Deno.test("partsOf divides a body, whatever its parts hold", () => {
  const parts = partsOf(octetsOf(BODY), TYPE) ?? [];
  assertEquals(parts.map(({ name, fileName, type }) => ({ name, fileName, type })), [
    { name: "title", fileName: null, type: null },
    { name: "file", fileName: 'a"b.bin', type: "application/octet-stream" },
    { name: "", fileName: null, type: null },
  ]);
  assertEquals(parts.map(({ octets }) => latin1Of(octets)), ["bread", "\x00\xff\r\n--x", "bare"]);
  assertEquals(parts.every(({ isWhole }) => isWhole), true);
});

Deno.test("partsOf reads every beginning of a body; a part without its end says so", () => {
  for (let length = 0; length < BODY.length; length++) {
    partsOf(octetsOf(BODY.slice(0, length)), TYPE);
  }
  const [part] = partsOf(octetsOf(BODY.slice(0, BODY.indexOf("bread") + 2)), TYPE) ?? [];
  assertEquals(part?.isWhole, false);
  assertEquals(latin1Of(part?.octets ?? new Uint8Array()), "br");
});

Deno.test("partsOf needs a boundary, and finds none that is not there", () => {
  assertEquals(partsOf(octetsOf(BODY), "multipart/form-data"), null);
  assertEquals(partsOf(octetsOf(BODY), "multipart/form-data; boundary=other"), []);
});

Deno.test("parameterOf reads tokens and quoted strings, in any case of letters", () => {
  assertEquals(parameterOf('a/b; Charset=utf-8; x="1;2"', "charset"), "utf-8");
  assertEquals(parameterOf('a/b; Charset=utf-8; x="1;2"', "x"), "1;2");
  assertEquals(parameterOf("a/b", "x"), null);
});
