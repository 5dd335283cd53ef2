import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Inspector } from "../../../lib/client/inspector/inspector.ts";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import { InspectorAPI } from "../../../lib/client/inspector/inspector_api.ts";
import { InspectorError, InspectorServer } from "../../../lib/client/inspector/inspector_server.ts";
import { RecordingService } from "../../../lib/client/inspector/recording_service.ts";
import { TunnelStatus } from "../../../lib/client/inspector/tunnel_status.ts";
import type { Handler } from "../../../lib/client/services/handler/handler.ts";
import { HandlerService } from "../../../lib/client/services/handler/handler_service.ts";
import type { Service } from "../../../lib/client/services/service.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";
import { InspectorCalls } from "../../testing/inspector_calls.ts";
import { RawHTTP } from "../../testing/raw_http.ts";

interface Given {
  readonly handler?: Handler;
  readonly host?: string;
  readonly port?: number;
  readonly token?: string | null;
}

/** An inspector of a handler, and what calls it. */
class Inspected implements AsyncDisposable {
  readonly inspector: Inspector;
  readonly #service: Service;
  readonly calls: InspectorCalls;

  private constructor(inspector: Inspector, service: Service) {
    this.inspector = inspector;
    this.#service = service;
    this.calls = new InspectorCalls(inspector.url);
  }

  static async start(
    { handler, host = "127.0.0.1", port = 0, token = null }: Given = {},
  ): Promise<Inspected> {
    const inspector = await Inspector.start({
      version: "1.0.0",
      memory: 64 * 1024 * 1024,
      place: { host, port },
      token,
      onTrouble: (sentence) => {
        throw new Error(sentence);
      },
    });
    const { service } = inspector.add({
      name: "",
      service: new HandlerService(handler ?? (() => new Response("ok"))),
      serviceName: "http://localhost:3000",
      servers: ["https://tunnel.example"],
      events: { onOnline() {}, onOffline() {} },
    });
    return new Inspected(inspector, service);
  }

  get port(): number {
    return Number(new URL(this.inspector.url).port);
  }

  /** Serves a visitor. */
  async visit(given: Parameters<typeof requestHead>[0] = {}, body?: string): Promise<void> {
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: body !== undefined });
    const served = this.#service.serve(incoming, requestHead(given));
    if (body !== undefined) {
      incoming.give(body);
      incoming.giveEnd();
    }
    await served;
  }

  /** Sends a request as it is written, for `fetch` chooses Host by itself. */
  async raw(lines: readonly string[], body = ""): Promise<readonly [number, string]> {
    using visitor = await RawHTTP.open(this.port);
    const { status, text } = await visitor.exchange([...lines, "", body].join("\r\n"));
    return [status, text];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inspector.close();
  }
}

Deno.test("The inspector answers under its own Host alone, so that no name of a stranger leads to it", async () => {
  await using inspected = await Inspected.start();
  const { port } = inspected;
  const status = async (host: string) =>
    (await inspected.raw(["GET /api/exchanges HTTP/1.1", `Host: ${host}`]))[0];
  for (const own of ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"]) {
    assertEquals(await status(`${own}:${port}`), 200, own);
  }
  for (
    const strange of [
      `rebound.example:${port}`,
      `127.0.0.1.rebound.example:${port}`,
      `localhost.:1`,
      `localhost:1`,
      `localhost`,
      `192.168.0.1:${port}`,
      `x@localhost:${port}`,
      `localhost:${port}/`,
    ]
  ) assertEquals(await status(strange), 403, strange);
  const [, text] = await inspected.raw(["GET / HTTP/1.1", "Host: rebound.example"]);
  assertEquals(JSON.parse(text).error.code, "forbidden");
});

Deno.test("The inspector does nothing for the pages of others", async () => {
  await using inspected = await Inspected.start();
  await inspected.visit();
  const { calls, port } = inspected;
  const own = `http://127.0.0.1:${port}`;
  const change = async (headers: Record<string, string>, method = "POST") => {
    const path = method === "POST" ? "/api/exchanges/1/replay" : "/api/exchanges";
    const answer = await calls.fetch(path, { method, headers, body: "{}" });
    await answer.body?.cancel();
    return answer.status;
  };
  const json = { "content-type": "application/json" };
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    assertEquals(await change({ "content-type": type }), 415, type);
    assertEquals(await change({ "content-type": type }, "DELETE"), 415, type);
  }
  for (
    const origin of [
      "https://evil.example",
      "null",
      `http://127.0.0.1:1`,
      `http://localhost:${port}`,
    ]
  ) {
    assertEquals(await change({ ...json, origin }), 403, origin);
  }
  assertEquals((await calls.list("replayOf=1")).length, 0);
  assertEquals(await change({ ...json, origin: own }), 201);
  assertEquals(await change(json), 201);
  // What a browser says of a request, which no page can.
  const get = async (site: string, mode: string, dest: string) =>
    (await inspected.raw([
      "GET / HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      `Sec-Fetch-Site: ${site}`,
      `Sec-Fetch-Mode: ${mode}`,
      `Sec-Fetch-Dest: ${dest}`,
    ]))[0];
  assertEquals(await get("cross-site", "navigate", "document"), 200);
  assertEquals(await get("same-origin", "cors", "empty"), 200);
  assertEquals(await get("none", "navigate", "document"), 200);
  for (
    const [mode, dest] of [["no-cors", "script"], ["no-cors", "image"], ["navigate", "iframe"]]
  ) {
    for (const site of ["cross-site", "same-site"]) {
      assertEquals(await get(site, mode ?? "", dest ?? ""), 403, `${site} ${mode} ${dest}`);
    }
  }
  for (const path of ["/", "/api/exchanges"]) {
    const answer = await calls.fetch(path);
    await answer.body?.cancel();
    assertEquals(answer.headers.get("access-control-allow-origin"), null);
  }
});

Deno.test("The inspector refuses members that it does not know, and names them", async () => {
  await using inspected = await Inspected.start({ handler: () => new Response("ok") });
  await inspected.visit();
  const refused = async (call: string, value: unknown) => {
    const answer = await inspected.calls.send(`/api/exchanges/1/${call}`, value);
    const { error } = await answer.json();
    return [answer.status, error.code, error.message];
  };
  assertEquals(await refused("replay", { header: [] }), [
    ...[400, "bad_request"],
    'There is no member "header"; there are method, target, fields, body, times and wait.',
  ]);
  assertEquals(await refused("replay", { body: { json: 1 } }), [
    ...[400, "bad_request", 'There is no member "body.json"; there are body.text and body.base64.'],
  ]);
  assertEquals(await refused("signature", { secret: "a", scheem: "hmac" }), [
    ...[400, "bad_request"],
    'There is no member "scheem"; there are secret, scheme and field.',
  ]);
  assertEquals((await inspected.calls.list()).length, 1);
});

Deno.test("The inspector lets nothing that was recorded run or load", async () => {
  const type = { value: "text/html" };
  await using inspected = await Inspected.start({
    handler: () =>
      new Response("<script>alert(1)</script><img src=//evil.example>", {
        headers: { "content-type": type.value },
      }),
  });
  const { calls } = inspected;
  const policyOf = async (path: string) => {
    const answer = await calls.fetch(path);
    const text = await answer.text();
    const { headers } = answer;
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    return { policy: headers.get("content-security-policy") ?? "", headers, text };
  };
  for (const path of ["/", "/page.js", "/api/exchanges", "/nothing"]) {
    const { policy } = await policyOf(path);
    assertMatch(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assertEquals(/unsafe|https?:|\*/.test(policy), false, policy);
  }
  await inspected.visit();
  const body = await policyOf("/api/exchanges/1/response/body");
  assertEquals(body.headers.get("content-type"), "application/octet-stream");
  assertMatch(body.headers.get("content-disposition") ?? "", /^attachment/);
  const preview = await policyOf("/api/exchanges/1/response/preview");
  assertMatch(preview.policy, /^sandbox; default-src 'none';/);
  assertEquals(/script-src|allow-scripts|https?:/.test(preview.policy), false);
  assertMatch(preview.text, /alert/);
  for (const other of ["text/javascript", "application/xhtml+xml", "text/xml", ""]) {
    type.value = other;
    await inspected.visit();
    const { id } = await calls.ended();
    assertEquals(await calls.refusal(calls.fetch(`/api/exchanges/${id}/response/preview`)), [
      409,
      "conflict",
    ]);
  }
});

Deno.test("The inspector asks for its token, and keeps it out of its cookie", async () => {
  await using inspected = await Inspected.start({ host: "0.0.0.0", token: "s3cret" });
  const { calls, port } = inspected;
  const list = (headers: Record<string, string>) => calls.fetch("/api/exchanges", { headers });
  const status = async (answering: Promise<Response>) => {
    const answer = await answering;
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await calls.refusal(list({})), [401, "unauthorized"]);
  assertEquals(await status(list({ authorization: "Bearer wrong" })), 401);
  assertEquals(await status(list({ authorization: "Bearer s3cret" })), 200);
  const form = await calls.fetch("/");
  assertEquals([form.status, /<form method="post"/.test(await form.text())], [401, true]);
  const login = (token: string, origin = calls.url) =>
    calls.fetch("/login", {
      method: "POST",
      headers: { origin },
      body: new URLSearchParams({ token }),
    });
  assertEquals(await status(login("wrong")), 401);
  assertEquals(await status(login("s3cret", "https://evil.example")), 403);
  const answer = await login("s3cret");
  await answer.body?.cancel();
  const cookie = answer.headers.get("set-cookie") ?? "";
  assertEquals([answer.status, answer.headers.get("location")], [303, "/"]);
  assertMatch(cookie, /; HttpOnly; SameSite=Strict$/);
  assertEquals(cookie.includes("s3cret"), false);
  assertEquals(await status(list({ cookie: `other=1; ${cookie.split(";")[0]}` })), 200);
  assertEquals(await status(list({ cookie: "tunnel-inspector=1" })), 401);
  // For other machines it has addresses that it does not know, but no names.
  const asked = async (host: string) =>
    (await inspected.raw(["GET / HTTP/1.1", `Host: ${host}:${port}`]))[0];
  assertEquals([await asked("192.168.0.1"), await asked("rebound.example")], [401, 403]);
  const guesses = Array.from({ length: 40 }, () => status(list({ authorization: "Bearer no" })));
  assert((await Promise.all(guesses)).includes(429));
});

Deno.test("The inspector takes the next free port, and says when there is none", async () => {
  await using first = await Inspected.start();
  await using second = await Inspected.start({ port: first.port });
  assert(second.port > first.port && second.port < first.port + 10);
  assertEquals((await second.calls.list()).length, 0);
  await assertRejects(
    () => Inspected.start({ host: "203.0.113.1", port: 4040 }),
    InspectorError,
    NO_ADDRESS,
  );
});

/** An address of documentation (RFC 5737), which no machine has. */
const NO_ADDRESS = "cannot listen at 203.0.113.1:4040: this machine has no such address";

Deno.test("The inspector tells the owner of a mistake in it by a sentence, and a reader nothing of it", async () => {
  const store = new ExchangeStore(1024);
  const service = new RecordingService(new HandlerService(() => new Response()), store);
  const tunnel = new TunnelStatus("1.0.0");
  const services = new Map([["", service]]);
  const mistake = new TypeError("a mistake");
  const told: unknown[] = [];
  const server = await InspectorServer.start({
    place: { host: "127.0.0.1", port: 0 },
    token: null,
    api: new FailingAPI({ store, tunnel, services }, mistake),
    onTrouble: (...trouble) => told.push(trouble),
  });
  const answer = await new InspectorCalls(server.url).fetch("/api/exchanges");
  assertEquals(answer.status, 500);
  assertEquals(await answer.text(), "The inspector has failed; the client's terminal says more.\n");
  assertEquals(told, [[
    "the inspector failed because of a mistake in it: please report it",
    mistake,
  ]]);
  await server.close();
});

/** Fails at every call. */
class FailingAPI extends InspectorAPI {
  constructor(parts: ConstructorParameters<typeof InspectorAPI>[0], readonly mistake: Error) {
    super(parts);
  }

  override answer(): Promise<Response> {
    return Promise.reject(this.mistake);
  }
}

Deno.test("The inspector answers wrong calls with a code and a sentence", async () => {
  await using inspected = await Inspected.start();
  await inspected.visit({ method: "POST" });
  const { calls } = inspected;
  const replay = (value: unknown) => calls.refusal(calls.send("/api/exchanges/1/replay", value));
  for (
    const [member, value] of [
      ...[["method", 1], ["method", "A B"], ["target", "no-path"], ["target", "/a b"]],
      ...[["fields", {}], ["fields", [["a"]]], ["fields", [["a b", "c"]]]],
      ...[["fields", [["a", "b\r\nc"]]], ["fields", [["a", "\u20ac"]]]],
      ...[["fields", [["host", "a"], ["host", "b"]]]],
      ...[["body", "text"], ["body", {}], ["body", { base64: "*" }]],
      ...[["times", 0], ["times", 101], ["times", 1.5], ["wait", 1]],
    ] as const
  ) {
    assertEquals(await replay({ [member]: value }), [400, "bad_request"], `${member} ${value}`);
  }
  assertEquals(await replay([]), [400, "bad_request"]);
  assertEquals(await replay({ body: { text: "x".repeat(5_000_000) } }), [413, "too_large"]);
  const json = { "content-type": "application/json" };
  const broken = calls.fetch("/api/exchanges/1/replay", {
    method: "POST",
    headers: json,
    body: "{",
  });
  assertEquals(await calls.refusal(broken), [400, "bad_request"]);
  const refused = async (path: string, method = "GET") =>
    await calls.refusal(calls.fetch(path, { method, headers: json }));
  assertEquals(await refused("/api/exchanges/2"), [404, "not_found"]);
  assertEquals(await refused("/api/exchanges/1e0"), [404, "not_found"]);
  assertEquals(await refused("/api/exchanges/1/nothing"), [404, "not_found"]);
  assertEquals(await refused("/api/nothing"), [404, "not_found"]);
  assertEquals(await refused("/nothing"), [404, "not_found"]);
  assertEquals(await refused("/api/exchanges/1/messages"), [409, "conflict"]);
  assertEquals(await refused("/api/exchanges", "PUT"), [405, "method_not_allowed"]);
  assertEquals(await refused("/api/exchanges/1/replay"), [405, "method_not_allowed"]);
  for (const query of ["limit=0", "limit=1001", "before=x", "after=-1", "replayOf="]) {
    assertEquals(await refused(`/api/exchanges?${query}`), [400, "bad_request"], query);
  }
  assertEquals((await calls.list("replayOf=1")).length, 0);
});
