import { assertEquals } from "@std/assert";
import { Disconnects, type Version } from "../../../lib/server/listen/disconnects.ts";
import { eventually } from "../../testing/eventually.ts";
import { within } from "../../testing/within.ts";

Deno.test("Disconnects tells of a visitor that leaves before or after it is watched closely, and of no other", async (t) => {
  const disconnects = new Disconnects();
  const left: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  let visitors = 0;
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const name = request.headers.get("x-name") ?? "";
      const gone = Promise.withResolvers<void>();
      const unwatch = disconnects.watch({ request, version: "1.1", port: 1 }, () => {
        left.push(name);
        gone.resolve();
      });
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

Deno.test("Disconnects watches from the first whoever can only come over HTTP/2", () => {
  const disconnects = new Disconnects();
  const signals: string[] = [];
  const watch = (name: string, version: Version, port: number) => {
    const { signal } = new AbortController();
    const request = new Request("http://localhost/");
    Object.defineProperty(request, "signal", { get: () => (signals.push(name), signal) });
    return disconnects.watch({ request, version, port }, () => {});
  };
  const unwatch = Array.from({ length: 300 }, (_, port) => watch(`${port}`, "unknown", port));
  watch("over HTTP/1.1", "1.1", 7)();
  assertEquals(signals, []);
  watch("over HTTP/2", "2", 1000)();
  assertEquals(signals.splice(0), ["over HTTP/2"]);
  const second = watch("a second one of the connection", "unknown", 7);
  watch("a third", "unknown", 7)();
  assertEquals(signals.splice(0), ["a second one of the connection", "a third"]);
  watch("one too many", "unknown", 1000)();
  assertEquals(signals.splice(0), ["one too many"]);
  for (const each of unwatch) each();
  watch("beside the second", "unknown", 7)();
  assertEquals(signals.splice(0), ["beside the second"]);
  second();
  watch("after all", "unknown", 7)();
  watch("the next", "unknown", 65_535)();
  assertEquals(signals, []);
  disconnects.close();
});
