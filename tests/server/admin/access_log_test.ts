import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { AccessLog } from "../../../lib/server/admin/access_log.ts";
import type { Outcome } from "../../../lib/server/listen/visit.ts";
import { answerWith, Listening } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";

Deno.test("AccessLog writes one line for each request, with what is known of it", async () => {
  const logged = await linesOf("json", [
    "GET /a?b HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
  ]);
  const [known, unknown] = logged.map((line) => JSON.parse(line));
  assertEquals({ ...known, time: "", milliseconds: 0 }, {
    time: "",
    level: "info",
    message: "request",
    method: "GET",
    host: "a.test",
    target: "/a?b",
    status: 200,
    bytes: 5,
    milliseconds: 0,
    visitor: "127.0.0.1",
    tunnel: "tunnel.test",
  });
  assert(known.milliseconds >= 0 && known.milliseconds < 60_000);
  assertEquals([unknown.method, unknown.host, unknown.status], ["POST", undefined, 200]);
});

Deno.test("AccessLog says why the server refused", async () => {
  const [line] = await linesOf("text", ["GET / HTTP/1.1\r\nHost: a\r\n\r\n"], {
    status: 429,
    code: "rate",
  });
  assert(line?.includes("status=429") && line.endsWith("reason=rate"), line);
});

Deno.test("AccessLog keeps a hostile request within one line, and a long one within bounds", async () => {
  for (const format of ["text", "json"] as const) {
    const lines = await linesOf(format, [
      "GET /%0d%0a\u00c3\u00a9 HTTP/1.1\r\nHost: a\x85\x9b\r\n\r\n",
      `GET /${"\u00c3\u00a9".repeat(20_000)} HTTP/1.1\r\nHost: ${"a".repeat(5_000)}\r\n\r\n`,
    ]);
    assertEquals(lines.length, 2);
    for (const line of lines) {
      assertNotMatch(line, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
      assert(line.length < 4_000, `${line.length} characters`);
    }
    assert(lines[0]?.includes("/%0d%0a%C3%A9"), lines[0]);
  }
});

/** Sends requests to a listener that answers each alike, and returns what is written of them. */
async function linesOf(
  format: "text" | "json",
  requests: readonly string[],
  { status = 200, code }: Partial<Pick<Outcome, "status" | "code">> = {},
): Promise<string[]> {
  const lines: string[] = [];
  const log = new Log({ format, level: "info", write: (line) => lines.push(line) });
  await using listening = new Listening((visit) => {
    visit.tunnel = "tunnel.test";
    return { ...answerWith("hello", status), ...(code ? { code } : {}) };
  }, { observers: [new AccessLog(log)] });
  for (const request of requests) {
    using visitor = await RawHTTP.open(listening.port);
    assertEquals((await visitor.exchange(request)).status, status);
  }
  return lines;
}
