import { assertEquals, assertThrows } from "@std/assert";
import {
  editableOf,
  replayRequestOf,
} from "../../../../lib/client/inspector/page/editable_request.ts";
import { exchange, request } from "./exchanges.ts";

const SENT = exchange({
  method: "PUT",
  target: "/a",
  request: request([
    ["host", "shop.example.com"],
    ["x-old", "caf\xe9"],
    ["x-name", "Zo\u00c3\u00ab"],
    ["content-encoding", "gzip"],
    ["content-length", "5"],
  ]),
});

Deno.test("a request that was not edited is sent as it was", () => {
  assertEquals(replayRequestOf(SENT, editableOf(SENT)), {});
});

Deno.test("what was edited is sent, and nothing else", () => {
  const edited = { ...editableOf(SENT), method: "POST", target: "/b", times: 3 };
  assertEquals(replayRequestOf(SENT, edited), { method: "POST", target: "/b", times: 3 });
});

Deno.test("lines that are as they were keep their octets, and others are sent as UTF-8", () => {
  const edited = editableOf(SENT);
  const fields = edited.fields.replace("Zoë", "Chloë") + "\n\nX-New:  1 ";
  assertEquals(replayRequestOf(SENT, { ...edited, fields }).fields, [
    ["host", "shop.example.com"],
    ["x-old", "caf\xe9"],
    ["x-name", "Chlo\u00c3\u00ab"],
    ["content-encoding", "gzip"],
    ["x-new", "1"],
    ["content-length", "5"],
  ]);
});

Deno.test("a body that was typed goes without the coding and the length of the old one", () => {
  const { fields, body } = replayRequestOf(SENT, { ...editableOf(SENT), body: "new" });
  assertEquals(body, { text: "new" });
  assertEquals(fields?.map(([name]) => name), ["host", "x-old", "x-name"]);
  assertEquals(replayRequestOf(SENT, { ...editableOf(SENT), body: "" }).body, null);
});

Deno.test("a line that is no field is named", () => {
  assertThrows(
    () => replayRequestOf(SENT, { ...editableOf(SENT), fields: "host: a\nno field" }),
    RangeError,
    '"no field"',
  );
});
