import { assertEquals, assertStringIncludes } from "@std/assert";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("An owner limits what visitors may have, within what the server allows", async (t) => {
  await using server = await startServer(["--timeout", "10s", "--max-body", "1mb"]);
  await t.step(
    "the time to begin an answer, and the visitor is told how long that is",
    async () => {
      await using origin = ScriptedOrigin.start((exchange) => exchange.hangUp());
      await using tunnel = await startTunnel({
        origin,
        server,
        clientArgs: ["--timeout", "500ms", "--label", "timeout"],
      });
      const { status, text } = await tunnel.request("/");
      assertEquals(status, 504);
      assertStringIncludes(text, "within 0.5 seconds");
    },
  );
  await t.step("the body of a request, announced and not", async () => {
    await using origin = ScriptedOrigin.answering(OK);
    await using tunnel = await startTunnel({
      origin,
      server,
      clientArgs: ["--max-body", "1kb", "--label", "body"],
    });
    const post = (body: string) => tunnel.request("/", { method: "POST", body });
    assertEquals((await post("x".repeat(1_000))).status, 200);
    const { status, text } = await post("x".repeat(1_001));
    assertEquals(status, 413);
    assertStringIncludes(text, "at most 1000 bytes");
    using visitor = await tunnel.open();
    const fields = [["Transfer-Encoding", "chunked"]] as const;
    await visitor.send(tunnel.write("/", { method: "POST", fields }));
    await visitor.send(`400\r\n${"x".repeat(0x400)}\r\n0\r\n\r\n`);
    assertEquals((await visitor.receive()).status, 413);
  });
  await t.step(
    "the requests in a time, over all connections, and is told of those refused",
    async () => {
      await using origin = ScriptedOrigin.answering(OK);
      await using tunnel = await startTunnel({
        origin,
        server,
        clientArgs: ["--rate-limit", "3/h", "--label", "rate"],
      });
      const statuses: number[] = [];
      for (let i = 0; i < 5; i++) statuses.push((await tunnel.request("/")).status);
      assertEquals(statuses, [200, 200, 200, 429, 429]);
      await within(tunnel.client.stderr.find(/refused.*429/), "the notice");
    },
  );
  await t.step("the requests at once", async () => {
    await using origin = ScriptedOrigin.start();
    await using tunnel = await startTunnel({
      origin,
      server,
      clientArgs: ["--max-streams", "1", "--label", "streams"],
    });
    const first = tunnel.request("/");
    const exchange = await origin.next();
    assertEquals((await tunnel.request("/")).status, 503);
    await exchange.answer(OK);
    assertEquals((await first).status, 200);
  });
  await t.step("who of several users may come", async () => {
    await using origin = ScriptedOrigin.answering(OK);
    await using tunnel = await startTunnel({
      origin,
      server,
      clientArgs: ["--basic-auth", "ann:one", "--basic-auth", "bob:two", "--label", "users"],
    });
    const expected: Readonly<Record<string, number>> = {
      "ann:one": 200,
      "bob:two": 200,
      "ann:two": 401,
    };
    for (const [credentials, status] of Object.entries(expected)) {
      const fields = [["Authorization", `Basic ${btoa(credentials)}`]] as const;
      assertEquals((await tunnel.request("/", { fields })).status, status, credentials);
    }
  });
});
