import { assertEquals } from "@std/assert";
import { answered, textOf } from "../../../lib/server/admin/json_call.ts";
import { Listening } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";

const FIELDS = "Host: a.test\r\nContent-Type: application/json\r\n";
const START = `POST /admin/ban HTTP/1.1\r\n${FIELDS}`;
/** A call that is given up soon. */
const SLOW = `POST /slow HTTP/1.1\r\n${FIELDS}`;

for (const kind of ["serve", "own"] as const) {
  Deno.test(`A call that is slow, long or cut is not done, and says why (${kind})`, async (t) => {
    const done: string[] = [];
    await using listening = new Listening(
      (visit) =>
        answered(visit, (call) => {
          done.push(textOf(call, "network"));
          return { ok: true };
        }, visit.target === "/slow" ? { patience: 100 } : {}),
      { kind },
    );
    const send = async (text: string, start = START) => {
      using visitor = await RawHTTP.open(listening.port);
      const { status, text: answer } = await visitor.exchange(start + text);
      return [status, answer];
    };
    await t.step("slow", async () => {
      assertEquals(await send('Content-Length: 20\r\n\r\n{"network"', SLOW), [
        ...[408, '{"error":"the call did not come in time"}\n'],
      ]);
      assertEquals(await send("Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", SLOW), [
        ...[408, '{"error":"the call did not come in time"}\n'],
      ]);
    });
    await t.step("long", async () => {
      const body = JSON.stringify({ network: "x".repeat(9_000) });
      assertEquals(await send(`Content-Length: ${body.length}\r\n\r\n${body}`), [
        ...[413, '{"error":"the call has more than 8192 bytes"}\n'],
      ]);
    });
    await t.step("cut", async () => {
      using visitor = await RawHTTP.open(listening.port);
      await visitor.send(`${START}Content-Length: 25\r\n\r\n{"network": "10.0.0.0/8"`);
      visitor.close();
    });
    assertEquals(done, []);
    const body = '{"network": "10.0.0.0/8"}';
    assertEquals(await send(`Content-Length: ${body.length}\r\n\r\n${body}`), [
      ...[200, '{"ok":true}\n'],
    ]);
    assertEquals(done, ["10.0.0.0/8"]);
  });
}
