import { assert, assertEquals } from "@std/assert";
import { EventParser, type ParsedEvent } from "../../../lib/client/inspector/event_parser.ts";
import { toBytes } from "../../testing/latin1.ts";

function parse(pieces: readonly (string | Uint8Array)[]): ParsedEvent[] {
  const events: ParsedEvent[] = [];
  const parser = new EventParser((event) => events.push(event));
  for (const piece of pieces) parser.push(toBytes(piece));
  return events;
}

const STREAM = [
  ": a comment\n\n",
  "data: one\n\n",
  "event: tick\nid: 7\ndata: two\ndata:  three\n\n",
  "data\n\n",
  "id\nretry: 10\nevent: nothing\n\n",
  "data: after\n\n",
  "data: without an end",
].join("");

Deno.test("EventParser reads what the HTML standard calls events", () => {
  const found = parse([STREAM]).map(({ event, eventId, data }) => [event, eventId, data]);
  assertEquals(found, [
    ["message", "", "one"],
    ["tick", "7", "two\n three"],
    ["message", "7", ""],
    ["message", "", "after"],
  ]);
});

Deno.test("EventParser finds the same in every piece size and with every line end", () => {
  const expected = parse([STREAM]);
  for (const end of ["\n", "\r", "\r\n"]) {
    const text = `\xef\xbb\xbf${STREAM.replaceAll("\n", end)}`;
    for (const length of [1, 2, 3, 7, 1000]) {
      const pieces = text.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
      const found = parse(pieces);
      const shown = (events: readonly ParsedEvent[]) =>
        events.map(({ event, eventId, data }) => ({ event, eventId, data }));
      assertEquals(shown(found), shown(expected), JSON.stringify([end, length]));
    }
  }
});

Deno.test("EventParser keeps a bounded part of an endless line, and goes on behind it", () => {
  const line = "x".repeat(1000);
  const pieces = ["data: ", ...Array.from({ length: 1000 }, () => line), "\n\ndata: next\n\n"];
  const [long, next] = parse(pieces);
  assert(long !== undefined && long.data.length < 17_000);
  assertEquals([long.isWhole, long.size], [false, 1_000_008]);
  assertEquals([next?.data, next?.isWhole], ["next", true]);
  const many = parse([..."abc"].flatMap(() => ["data: y\n".repeat(10_000)]).concat("\n"));
  assert((many[0]?.data.length ?? 0) <= 16 * 1024);
});
