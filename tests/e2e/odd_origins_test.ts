import { assertEquals, assertMatch } from "@std/assert";
import { originAnswers } from "../testing/protocol_document.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";

Deno.test("visitors get the answers of an origin that breaks HTTP where they can be read in one way only, and the owner reads each fault once", async () => {
  const answers = originAnswers("mended");
  await using origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.write(answers[Number(exchange.target.slice(1))]?.answer ?? "");
    exchange.close();
  });
  await using tunnel = await startTunnel({ origin });
  for (let round = 0; round < 2; round++) {
    for (const [index, { fault }] of answers.entries()) {
      const { status, text } = await tunnel.request(`/${index}`);
      assertEquals([status, text], [200, "ok"], fault);
    }
  }
  await tunnel.client.stop();
  await tunnel.client.stderr.ended;
  const lines = `${tunnel.client.stderr}`.split("\n").filter((line) =>
    line.includes("breaks HTTP")
  );
  const faults = lines.map((line) => line.replace(/.*breaks HTTP: ([^"(]*).*/, "$1").trim());
  assertEquals(faults.toSorted(), [
    "a blank stands before a colon",
    "a line ends with LF alone",
    "a trailer's name is not a token",
    "blanks stand behind a chunk's size",
    "the connection ends behind the last chunk",
    "the field",
    "the reason has a control character",
  ]);
});

Deno.test("a visitor and the owner are told which rule an answer of the origin breaks, without what could drive a terminal or a page", async () => {
  await using origin = ScriptedOrigin.answering(
    "HTTP/1.1 200 OK\r\n<b>\x9b\x1b[2J\r\n\r\n",
  );
  await using tunnel = await startTunnel({ origin });
  const { status, text } = await tunnel.request("/", { fields: [["Accept", "text/html"]] });
  assertEquals(status, 502);
  assertMatch(
    text,
    /its answer is not valid HTTP: the origin&#39;s head is malformed: a field line must be a name/i,
  );
  assertMatch(text, /&lt;b&gt;\\u009b\\u001b\[2J/);
  const line = await tunnel.client.stderr.find(/a field line must be a name.*/);
  assertMatch(line?.[0] ?? "", /<b>\\u009b\\u001b\[2J/);
});
