import { assertEquals } from "@std/assert";
import { ExchangeList } from "../../../../lib/client/inspector/page/exchange_list.ts";
import { summary } from "./exchanges.ts";

const idsOf = (list: ExchangeList) => list.shown.map(({ id }) => id);

Deno.test("an ExchangeList has the newest first and each in its latest state", () => {
  const list = new ExchangeList();
  list.put([summary(1), summary(3, { status: null })]);
  list.put([summary(2), summary(3, { status: 404 })]);
  assertEquals(idsOf(list), [3, 2, 1]);
  assertEquals(list.get(3)?.status, 404);
  list.remove([1, 7]);
  assertEquals(idsOf(list), [3, 2]);
});

Deno.test("an ExchangeList that is paused stands still, and says how many wait", () => {
  const list = new ExchangeList();
  list.replaceAll([summary(1)]);
  list.togglePause();
  list.put([summary(2), summary(3)]);
  assertEquals([idsOf(list), list.waiting], [[1], 2]);
  list.togglePause();
  assertEquals([idsOf(list), list.waiting], [[3, 2, 1], 0]);
});

Deno.test("an ExchangeList that is cleared shows nothing, paused or not", () => {
  const list = new ExchangeList();
  list.replaceAll([summary(1)]);
  list.togglePause();
  list.clear();
  assertEquals(idsOf(list), []);
});

Deno.test("an ExchangeList tells those who observe it, until they stop", () => {
  const list = new ExchangeList();
  let told = 0;
  const stop = list.observe(() => told++);
  list.put([summary(1)]);
  stop();
  list.put([summary(2)]);
  assertEquals(told, 1);
});
