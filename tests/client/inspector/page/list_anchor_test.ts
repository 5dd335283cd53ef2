import { assertEquals } from "@std/assert";
import { ListAnchor } from "../../../../lib/client/inspector/page/list_anchor.ts";

/** Pixels of a row. */
const ROW = 28;

/** The rows from the newest to the oldest. */
function rows(newest: number, oldest = 1) {
  return Array.from({ length: newest - oldest + 1 }, (_, index) => ({ id: newest - index }));
}

Deno.test("a list that shows its start goes on showing it", () => {
  const anchor = new ListAnchor();
  anchor.scrolled(0, rows(10), ROW);
  assertEquals(anchor.topOf(rows(13), ROW, false), 0);
  assertEquals(anchor.unseen(rows(13)), 0);
});

Deno.test("a list that was scrolled keeps its rows in place, and counts what is new above", () => {
  const anchor = new ListAnchor();
  anchor.scrolled(0, rows(10), ROW);
  anchor.scrolled(2 * ROW + 5, rows(10), ROW);
  const top = anchor.topOf(rows(13), ROW, false);
  assertEquals(top, 5 * ROW + 5);
  anchor.scrolled(top, rows(13), ROW);
  assertEquals(anchor.unseen(rows(13)), 3);
});

Deno.test("a list whose start is about to be chosen from does not move either", () => {
  const focused = new ListAnchor();
  focused.scrolled(0, rows(10), ROW);
  assertEquals(focused.topOf(rows(12), ROW, true), 2 * ROW);
  const aimed = new ListAnchor();
  aimed.scrolled(0, rows(10), ROW);
  aimed.aimed();
  assertEquals(aimed.topOf(rows(12), ROW, false), 2 * ROW);
  aimed.follow();
  assertEquals(aimed.topOf(rows(12), ROW, false), 0);
});

Deno.test("a row that is gone is stood for by the next older one", () => {
  const anchor = new ListAnchor();
  anchor.scrolled(3 * ROW, rows(10), ROW);
  const left = rows(12).filter(({ id }) => id !== 7);
  assertEquals(anchor.topOf(left, ROW, false), left.findIndex(({ id }) => id === 6) * ROW);
  assertEquals(anchor.topOf([], ROW, false), 0);
});
