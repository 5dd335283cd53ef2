import { assertEquals, assertThrows } from "@std/assert";
import {
  covered,
  editableOf,
  replayRequestOf,
  uncovered,
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

const SECRET = exchange({
  target: "/a?token=abcdef&b=1",
  request: request([
    ["accept", "*/*"],
    ["cookie", "a=1"],
    ["cookie", "b=2"],
    ["x-note", "see"],
  ]),
});

Deno.test("secrets are covered until they are asked for, and what was typed stays", () => {
  const edited = editableOf(SECRET);
  assertEquals(edited.target, "/a?token=••••••••&b=1");
  assertEquals(edited.fields, "accept: */*\ncookie: ••••••••\ncookie: ••••••••\nx-note: see");
  const typed = { ...edited, fields: edited.fields.replace("see", "mine") };
  const shown = uncovered(SECRET, typed);
  assertEquals(shown.target, "/a?token=abcdef&b=1");
  assertEquals(shown.fields, "accept: */*\ncookie: a=1\ncookie: b=2\nx-note: mine");
  assertEquals(covered(SECRET, shown), typed);
});

Deno.test("a secret that was not touched is sent as it was, shown or covered", () => {
  const edited = editableOf(SECRET);
  assertEquals(replayRequestOf(SECRET, edited), {});
  assertEquals(replayRequestOf(SECRET, uncovered(SECRET, edited)), {});
  const typed = { ...edited, fields: edited.fields.replace("see", "mine") };
  assertEquals(replayRequestOf(SECRET, typed).fields, [
    ...[["accept", "*/*"], ["cookie", "a=1"], ["cookie", "b=2"], ["x-note", "mine"]] as const,
  ]);
});

Deno.test("what is covered cannot be changed in part, and the message says so", () => {
  const edited = editableOf(SECRET);
  for (
    const [part, what] of [
      [{ target: edited.target.replace("b=1", "b=2") }, "The target has a value that is covered"],
      [{ fields: edited.fields.replace("cookie: ", "cookie: c=3; ") }, "The field cookie has"],
    ] as const
  ) assertThrows(() => replayRequestOf(SECRET, { ...edited, ...part }), RangeError, what);
});
