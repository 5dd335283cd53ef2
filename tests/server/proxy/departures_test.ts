import { assertEquals } from "@std/assert";
import { Departures, type Version } from "../../../lib/server/proxy/departures.ts";
import { eventually } from "../../testing/eventually.ts";
import { within } from "../../testing/within.ts";

Deno.test("Departures tells of a visitor that leaves before or after it is watched closely, and of no other", async (t) => {
  const departures = new Departures();
  const left: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  let visitors = 0;
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const name = request.headers.get("x-name") ?? "";
      const gone = Promise.withResolvers<void>();
      const unwatch = departures.watch(request, () => {
        left.push(name);
        gone.resolve();
      }, "1.1");
      if (++visitors === 3) arrived.resolve();
      await (name === "stays" ? done.promise : gone.promise);
      unwatch();
      return new Response("bye");
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const visit = async (name: string, signal?: AbortSignal): Promise<string> => {
    const response = await fetch(url, { headers: { "x-name": name }, ...(signal && { signal }) });
    return await response.text();
  };
  const [early, late] = [new AbortController(), new AbortController()];
  const stays = visit("stays");
  const visits = Promise.allSettled([visit("early", early.signal), visit("late", late.signal)]);
  await within(arrived.promise, "three visitors");

  await t.step("one that leaves at once", async () => {
    early.abort();
    await eventually("the first to leave", () => left.includes("early"));
  });
  await t.step("one that leaves later", async () => {
    late.abort();
    await eventually("the second to leave", () => left.includes("late"));
  });
  done.resolve();
  assertEquals(await stays, "bye");
  await visits;
  assertEquals(left, ["early", "late"]);
});

Deno.test("Departures watches from the first whoever may come over HTTP/2, once 64 wait unwatched", () => {
  const departures = new Departures();
  const signals: string[] = [];
  const watch = (name: string, version: Version) => {
    const { signal } = new AbortController();
    const request = new Request("http://localhost/");
    Object.defineProperty(request, "signal", { get: () => (signals.push(name), signal) });
    return departures.watch(request, () => {}, version);
  };
  const unwatch = Array.from({ length: 64 }, (_, i) => watch(`${i}`, "unknown"));
  watch("over HTTP/1.1", "1.1")();
  assertEquals(signals, []);
  watch("over HTTP/2", "2")();
  watch("over either", "unknown")();
  assertEquals(signals, ["over HTTP/2", "over either"]);
  for (const each of unwatch) each();
  watch("after them", "unknown")();
  assertEquals(signals, ["over HTTP/2", "over either"]);
  departures.close();
});
