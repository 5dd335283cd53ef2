import { assertEquals } from "@std/assert";
import type { Visit } from "../../../lib/server/listen/visit.ts";
import { eventually } from "../../testing/eventually.ts";
import { HTTP2Visitor } from "../../testing/http2_visitor.ts";
import { joined } from "../../testing/frame_peer.ts";
import { answerWith } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { HTTP2_PREFACE, http2Request, http2Reset } from "../../testing/raw_http2.ts";
import { Scene } from "./scene.ts";

Deno.test("ServeVisit has no host where Deno makes one up", async () => {
  await using scene = new Scene("serve", ({ host }) => answerWith(String(host)));
  using visitor = await RawHTTP.open(scene.port);
  assertEquals((await visitor.exchange("GET / HTTP/1.1\r\n\r\n")).text, "null");
});

Deno.test("ServeVisit has over HTTP/2 the host that :authority names, among the fields too", async () => {
  await using scene = new Scene(
    "serve",
    ({ host, fields }) => answerWith(`${host} ${fields.filter(([name]) => name === "host")}`),
    { tls: true },
  );
  await using visitor = new HTTP2Visitor(scene.port);
  const named = { ":path": "/", ":authority": "A.test" };
  assertEquals((await visitor.request(named)).text, "A.test host,A.test");
  assertEquals((await visitor.request({ ...named, host: "b.test" })).text, "b.test host,b.test");
});

Deno.test("ServeVisit tells what its listener speaks, whatever scheme a visitor names", async (t) => {
  const tell = ({ listeningSocket, host }: Visit) =>
    answerWith(`${listeningSocket.scheme} ${host}`);
  await t.step("in an absolute-form target", async () => {
    await using scene = new Scene("serve", tell);
    using visitor = await RawHTTP.open(scene.port);
    const ask = async (text: string) => (await visitor.exchange(text)).text;
    assertEquals(await ask("GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"), "http a.test");
    assertEquals(await ask("GET https://a.test/ HTTP/1.1\r\n\r\n"), "http null");
  });
  await t.step("in :scheme", async () => {
    await using scene = new Scene("serve", tell, { tls: true });
    await using visitor = new HTTP2Visitor(scene.port);
    const named = { ":path": "/", ":authority": "a.test", ":scheme": "http" };
    assertEquals((await visitor.request(named)).text, "https a.test");
  });
});

Deno.test("ServeVisit gives fields with names in lower case and values in Latin-1, and one length for equal ones", async () => {
  await using scene = new Scene("serve", (visit) => {
    visit.dropBody();
    return answerWith(JSON.stringify(visit.fields));
  });
  using visitor = await RawHTTP.open(scene.port);
  const { text } = await visitor.exchange(
    "POST / HTTP/1.1\r\nHost: a\r\nX-A: caf\xe9\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
  );
  assertEquals(JSON.parse(text), [["content-length", "2"], ["host", "a"], ["x-a", "caf\xe9"]]);
});

Deno.test("ServeVisit.respond sends 204 for a 205 that its visitor could not see the end of", async () => {
  await using scene = new Scene("serve", () => ({ status: 205, fields: [], body: null }));
  using visitor = await RawHTTP.open(scene.port);
  const kept = await visitor.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const last = await visitor.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assertEquals([kept.status, last.status], [204, 205]);
  assertEquals(scene.outcomes.map(({ status }) => status), [204, 205]);
});

Deno.test("ServeVisit.watch tells of each HTTP/2 stream that is reset, at once or later", async () => {
  /** Fewer than Deno itself ends a connection for. */
  const STREAMS = 10;
  let left = 0;
  await using scene = new Scene("serve", async (visit) => {
    const gone = Promise.withResolvers<void>();
    const leave = (): void => {
      left++;
      gone.resolve();
    };
    const watch = visit.watch({ leave });
    await gone.promise;
    watch.end();
    return answerWith("nobody sees it");
  });
  for (const isAtOnce of [true, false]) {
    using visitor = await RawHTTP.open(scene.port);
    const before = scene.visits;
    await visitor.send(HTTP2_PREFACE);
    for (let i = 0; i < STREAMS; i++) {
      const id = 2 * i + 1;
      if (isAtOnce) {
        await visitor.send(joined(http2Request(id, HTTP2_GET), http2Reset(id)));
      } else {
        await visitor.send(http2Request(id, HTTP2_GET));
        await eventually("the visit", () => scene.visits === before + i + 1);
        await visitor.send(http2Reset(id));
      }
    }
    await eventually("all visits", () => scene.visits === before + STREAMS);
    await eventually("the end of all that came", () => left === scene.visits);
  }
});

/** A request that has no Host, as most of HTTP/2. */
const HTTP2_GET = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a.test"],
] as const;
