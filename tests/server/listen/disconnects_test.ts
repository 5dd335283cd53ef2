import { assertEquals } from "@std/assert";
import { Disconnects } from "../../../lib/server/listen/disconnects.ts";
import { eventually } from "../../testing/eventually.ts";
import { within } from "../../testing/within.ts";

Deno.test("Disconnects tells of a visitor that leaves before it is watched or after that, and of no other", async (t) => {
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
      const leave = (): void => {
        left.push(name);
        gone.resolve();
      };
      const watch = disconnects.watchSoon(request, performance.now(), { leave });
      if (++visitors === 3) arrived.resolve();
      await (name === "stays" ? done.promise : gone.promise);
      watch.end();
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
  disconnects.close();
  assertEquals(left, ["early", "late"]);
});
