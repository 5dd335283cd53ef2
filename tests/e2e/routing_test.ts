import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";
import { RawHTTP } from "../testing/raw_http.ts";

/** Nobody comes, and the test need not wait for it. */
const SOON = ["--acquire-timeout", "100ms"];

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A name as keys give them, which no client in these stories has. */
const NOBODY = "a".repeat(52);

Deno.test("A tunnel is found by its host, whatever case, trailing dot and port", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const { hostname, port } = tunnel.url;

  for (
    const host of [
      `${hostname}:${port}`,
      hostname,
      `${hostname}:80`,
      `${hostname}.:${port}`,
      `${hostname}.`,
      hostname.toUpperCase(),
    ]
  ) {
    await t.step(host, async () => {
      const { status } = await tunnel.request("/x", { host });
      assertEquals(status, 200);
      const { head } = await origin.next();
      assertEquals([head.startLine, head.get("host")], ["GET /x HTTP/1.1", host]);
    });
  }

  await t.step("all paths are its own, the server's included", async () => {
    for (
      const path of [
        "/healthz",
        "/readyz",
        "/metrics",
        "/proxy/subscribe",
        `/proxy/request/${tunnel.id}/x`,
        "/proxy/",
      ]
    ) {
      assertEquals((await tunnel.request(path)).text, "ok");
      assertEquals((await origin.next()).target, path);
    }
  });

  await t.step("the server's own host keeps these paths for itself", async () => {
    const before = origin.requestCount;
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const { status } = await tunnel.request(path, { host: tunnel.server.url.host });
      assertEquals(status, 200, path);
    }
    assertEquals(origin.requestCount, before);
  });
});

Deno.test("A tunnel is found by path under /proxy/request/<id>/ on the server's own host", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const { host } = tunnel.server.url;
  const prefix = `/proxy/request/${tunnel.id}`;

  for (
    const [rest, target] of [
      ["/", "/"],
      ["", "/"],
      ["?q=/", "/?q=/"],
      ["/a/../%2F;b?c=d", "/a/../%2F;b?c=d"],
      ["//x", "//x"],
      ["/healthz", "/healthz"],
    ] as const
  ) {
    await t.step(`<prefix>${rest} is ${target}`, async () => {
      const { status } = await tunnel.request(`${prefix}${rest}`, { host });
      assertEquals(status, 200);
      assertEquals((await origin.next()).target, target);
    });
  }
  await t.step("an id that nobody has is 404", async () => {
    const { status } = await tunnel.request(`/proxy/request/${NOBODY}/`, { host });
    assertEquals(status, 404);
  });
  await t.step("an id that is no name is 404", async () => {
    for (const id of ["", "a.b", "%61", ".."]) {
      const { status } = await tunnel.request(`/proxy/request/${id}/`, { host });
      assertEquals(status, 404, id);
    }
  });
});

Deno.test("With --fixed every public request goes to the one tunnel, whatever its host", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer(["--fixed"]);

  await t.step("before there is a client: 502 in words", async () => {
    using visitor = await RawHTTP.open(Number(server.url.port));
    const { status, text } = await visitor.exchange("GET / HTTP/1.1\r\nHost: any.example\r\n\r\n");
    assertEquals(status, 502);
    assertMatch(text, /client/i);
  });

  await using tunnel = await startTunnel({ origin, server });
  await t.step("the printed URL is the server's own", () => {
    assertEquals(tunnel.url.host, server.url.host);
  });
  for (const host of [tunnel.host, "any.example", "x.localhost", "203.0.113.7:80"]) {
    for (const target of ["/", "//x?y", "/proxy/request/a/b"]) {
      await t.step(`${host}${target}`, async () => {
        const { text } = await tunnel.request(target, { host });
        assertEquals(text, "ok");
        const { head } = await origin.next();
        assertEquals(head.startLine, `GET ${target} HTTP/1.1`);
        assertEquals(head.get("host"), host);
      });
    }
  }
});

Deno.test("A name that nobody has is 404 with a short explanation, in HTML for browsers", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, serverArgs: SOON });
  const ask = (name: string, accept: string) =>
    tunnel.request("/", {
      host: `${name}.localhost:${tunnel.url.port}`,
      fields: accept === "" ? [] : [["Accept", accept]],
    });

  for (const accept of ["", "*/*", "text/plain", "application/json"]) {
    await t.step(`Accept: ${accept || "nothing"}`, async () => {
      const { status, head, text } = await ask(NOBODY, accept);
      assertEquals(status, 404);
      assertMatch(head.get("content-type") ?? "", /^text\/plain/);
      assertStringIncludes(text, NOBODY);
      assert(text.length < 1_000 && !text.includes("<"), text);
    });
  }
  await t.step("Accept of a browser", async () => {
    const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    const { status, head, text } = await ask("nobody", browser);
    assertEquals(status, 404);
    assertMatch(head.get("content-type") ?? "", /^text\/html/);
    assertMatch(text, /^<!doctype html>/i);
    assertStringIncludes(text, "nobody");
  });
  await t.step("HEAD has the same head alone", async () => {
    const { status, body } = await tunnel.request("/", {
      method: "HEAD",
      host: "nobody.localhost",
    });
    assertEquals([status, body.length], [404, 0]);
  });
  await t.step("an upload for nobody is answered too", async () => {
    const { status } = await tunnel.request("/", {
      method: "POST",
      host: "nobody.localhost",
      body: "x".repeat(100_000),
    });
    assertEquals(status, 404);
  });
  assertEquals(origin.requestCount, 0);
});

Deno.test("A name whose client is away is 502 and says so", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer(SOON);

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await t.step(`after ${signal}`, async () => {
      await using tunnel = await startTunnel({ origin, server });
      assertEquals((await tunnel.request("/")).status, 200);
      await tunnel.client.stop(signal);
      const { status, head, text } = await tunnel.request("/");
      assertEquals(status, 502);
      assertMatch(head.get("content-type") ?? "", /^text\/plain/);
      assertMatch(text, /client/i);
      assertStringIncludes(text, tunnel.url.hostname);
    });
  }
});

Deno.test("The server's own host says what it is and how to get a tunnel here, and nothing about those who have one", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  const token = "a-token-of-this-test";
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--token", token],
    clientArgs: ["--token", token],
  });
  const { host } = tunnel.server.url;
  for (const accept of ["*/*", "text/html"]) {
    await t.step(`Accept: ${accept}`, async () => {
      const { status, head, text } = await tunnel.request("/", {
        host,
        fields: [["Accept", accept]],
      });
      const type = accept === "*/*" ? "text/plain" : accept;
      assertEquals([status, head.get("content-type")], [200, `${type}; charset=utf-8`]);
      assertStringIncludes(text, `tunnel-client login ${tunnel.server.url.origin}\n`);
      assertStringIncludes(text, "tunnel-client 3000");
      assertStringIncludes(text, "a token, which comes from this server");
      for (const secret of [token, tunnel.url.hostname.slice(0, 20)]) {
        assert(!text.includes(secret));
      }
    });
  }
});
