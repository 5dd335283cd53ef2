import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { LISTENER_KINDS } from "../../lib/server/listen/listener.ts";
import { parseEcho, SampleOrigin } from "../testing/sample_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";

for (const kind of LISTENER_KINDS) {
  Deno.test(`What everyday web services do works through the tunnel (--listener ${kind})`, async (t) => {
    await using origin = SampleOrigin.start();
    await using tunnel = await startTunnel({ origin, serverArgs: ["--listener", kind] });

    await t.step("a page", async () => {
      const { status, head, text } = await tunnel.request("/");
      assertEquals([status, head.get("content-type")], [200, "text/html"]);
      assertEquals(text.includes("It works"), true);
    });
    await t.step("a form", async () => {
      const type = ["Content-Type", "application/x-www-form-urlencoded"] as const;
      const body = "name=value&x=%20y";
      const { text } = await tunnel.request("/echo?q=1", { method: "POST", fields: [type], body });
      const echo = parseEcho(text);
      assertEquals([echo.method, echo.target, echo.length], ["POST", "/echo?q=1", body.length]);
      assertEquals(echo.fields.find(([name]) => name === "content-type")?.[1], type[1]);
      assertEquals(echo.sha256, createHash("sha256").update(body).digest("hex"));
    });
    await t.step("cookies", async () => {
      const { head, text } = await tunnel.request("/cookies", { fields: [["Cookie", "c=3; d=4"]] });
      assertEquals(text, "c=3; d=4");
      assertEquals(head.all("set-cookie"), ["a=1; Path=/", "b=2; Path=/"]);
    });
    await t.step("gzip", async () => {
      const { head, body } = await tunnel.request("/gzip", {
        fields: [["Accept-Encoding", "gzip"]],
      });
      assertEquals(head.get("content-encoding"), "gzip");
      const unpacked = new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip"));
      assertEquals(await new Response(unpacked).text(), "hello ".repeat(1_000));
    });
    await t.step("validation", async () => {
      const { head, text } = await tunnel.request("/etag");
      const etag = head.get("etag") ?? "";
      assertEquals([etag, text], ['"v1"', "tagged"]);
      const fresh = await tunnel.request("/etag", { fields: [["If-None-Match", etag]] });
      assertEquals([fresh.status, fresh.head.get("etag"), fresh.text], [304, etag, ""]);
    });
    await t.step("a download, whole and in part", async () => {
      const whole = await tunnel.request("/bytes/3000000");
      assertEquals(createHash("sha256").update(whole.body).digest("hex"), origin.sha256(3_000_000));
      const part = await tunnel.request("/bytes/3000000", {
        fields: [["Range", "bytes=1000000-1999999"]],
      });
      assertEquals([part.status, part.head.get("content-range")], [
        206,
        "bytes 1000000-1999999/3000000",
      ]);
      assertEquals(part.body, whole.body.slice(1_000_000, 2_000_000));
    });
    await t.step("a redirect, which the visitor follows or not", async () => {
      const { status, head } = await tunnel.request("/redirect");
      assertEquals([status, head.get("location")], [302, "/echo"]);
    });
    await t.step("no content, and no such page", async () => {
      assertEquals((await tunnel.request("/status/204")).status, 204);
      assertEquals((await tunnel.request("/nowhere")).status, 404);
    });

    for (const [path, events] of [["/sse", "data: a\n\n"], ["/ndjson", '{"a":1}\n']] as const) {
      await t.step(`${path}, event by event, until the visitor leaves`, async () => {
        using visitor = await tunnel.open();
        await visitor.send(tunnel.write(path));
        const feed = await origin.nextFeed();
        feed.write(events);
        const { body } = await visitor.receive();
        for (let i = 0; i < 3; i++) {
          assertEquals(await body.readText(events.length), events);
          feed.write(events);
        }
        visitor.close();
        await feed.cancelled();
      });
    }
    await t.step("/sse until the origin ends it", async () => {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write("/sse"));
      const feed = await origin.nextFeed();
      feed.write("data: last\n\n");
      feed.close();
      assertEquals((await visitor.receiveAll()).text, "data: last\n\n");
    });
  });
}
