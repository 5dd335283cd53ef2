import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Fields of a correct handshake (RFC 6455 section 1.3), to be spoilt one at a time. */
const HANDSHAKE = {
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

Deno.test("a list of more than a hundred members is 431, for the server's own pages and its clients too", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const hosts = [tunnel.host, tunnel.server.url.host];
  for (const name of ["Connection", "Upgrade", "Sec-WebSocket-Protocol", "X-Forwarded-For"]) {
    await t.step(name, async () => {
      for (const host of hosts) {
        using visitor = await tunnel.open();
        const { status, text } = await visitor.exchange(
          `GET /proxy/subscribe HTTP/1.1\r\nHost: ${host}\r\n${name}: ${
            ",".repeat(60_000)
          }\r\n\r\n`,
        );
        assertEquals(status, 431);
        assertStringIncludes(text, `${name.toLowerCase()} lists more than 100 members`);
      }
      assertEquals(origin.requestCount, 0);
    });
  }
});

Deno.test("a request whose host or method cannot be routed safely is a 4xx and reaches no origin", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const { host } = tunnel;
  const own = tunnel.server.url.host;
  const requests: Readonly<Record<string, string>> = {
    "no Host": "GET / HTTP/1.1\r\n\r\n",
    "no Host in HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
    "an empty Host": "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}\r\n\r\n`,
    "two different Hosts": `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: ${own}\r\n\r\n`,
    "a Host with a path": `GET / HTTP/1.1\r\nHost: ${host}/x\r\n\r\n`,
    "a Host with a user": `GET / HTTP/1.1\r\nHost: user@${host}\r\n\r\n`,
    "a Host with a blank": `GET / HTTP/1.1\r\nHost: ${tunnel.url.hostname} x\r\n\r\n`,
    "a Host with a bad port": `GET / HTTP/1.1\r\nHost: ${tunnel.url.hostname}:99999\r\n\r\n`,
    "a list of Hosts": `GET / HTTP/1.1\r\nHost: ${host}, ${host}\r\n\r\n`,
    "a Host in Latin-1": `GET / HTTP/1.1\r\nHost: caf\xe9.localhost\r\n\r\n`,
    "a target of another tunnel": `GET http://other.localhost/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "a target of the server": `GET http://${own}/healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "a target of the tunnel with the server's Host":
      `GET http://${host}/ HTTP/1.1\r\nHost: ${own}\r\n\r\n`,
    "a target with a user": `GET http://x@${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "a target without a slash": `GET x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "CONNECT": `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "CONNECT to another": `CONNECT example.com:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "TRACE": `TRACE / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    "a folded line": `GET / HTTP/1.1\r\nHost: ${host}\r\nX: y\r\n z\r\n\r\n`,
    "a blank before a colon": `GET / HTTP/1.1\r\nHost: ${host}\r\nX : y\r\n\r\n`,
    "a NUL in a value": `GET / HTTP/1.1\r\nHost: ${host}\r\nX: y\0z\r\n\r\n`,
    "two lengths":
      `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy`,
    "a length and chunks":
      `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "chunks in HTTP/1.0":
      `POST / HTTP/1.0\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  };

  for (const [name, request] of Object.entries(requests)) {
    await t.step(name, async () => {
      using visitor = await tunnel.open();
      const { status } = await visitor.exchange(request);
      assert(status >= 400 && status < 500, String(status));
      assertEquals(origin.requestCount, 0);
    });
  }
});

Deno.test("A method that is refused is told which are served", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using visitor = await tunnel.open();
  const { status, head } = await visitor.exchange(
    `TRACE / HTTP/1.1\r\nHost: ${tunnel.host}\r\n\r\n`,
  );
  assertEquals(status, 405);
  assertEquals(head.get("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
});

Deno.test("An upgrade that is no correct WebSocket handshake is a 4xx and reaches no origin", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const ask = async (visitor: RawHTTP, startLine: string, fields: object) => {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    await visitor.send(`${startLine}\r\nHost: ${tunnel.host}\r\n${lines.join("")}\r\n`);
    return await visitor.receiveAll();
  };
  const spoilt: Readonly<Record<string, object>> = {
    "another version": { "Sec-WebSocket-Version": "12" },
    "no version": { "Sec-WebSocket-Version": "" },
    "a short key": { "Sec-WebSocket-Key": "x" },
    "an empty key": { "Sec-WebSocket-Key": "" },
    "two keys": { "sec-websocket-key": HANDSHAKE["Sec-WebSocket-Key"] },
    "a Connection without upgrade": { "Connection": "keep-alive" },
    "several protocols": { "Upgrade": "p1, websocket, p2" },
    "a subprotocol that is no token": { "Sec-WebSocket-Protocol": "a b" },
  };

  for (const [name, changes] of Object.entries(spoilt)) {
    await t.step(name, async () => {
      using visitor = await tunnel.open();
      const { status } = await ask(visitor, "GET / HTTP/1.1", { ...HANDSHAKE, ...changes });
      assert(status >= 400 && status < 500, String(status));
    });
  }
  for (const startLine of ["POST / HTTP/1.1", "get / HTTP/1.1"]) {
    await t.step(startLine, async () => {
      using visitor = await tunnel.open();
      const { status } = await ask(visitor, startLine, HANDSHAKE);
      assert(status >= 400 && status < 500, String(status));
    });
  }
  await t.step("a wrong version is told the right one (RFC 6455 section 4.4)", async () => {
    using visitor = await tunnel.open();
    const fields = { ...HANDSHAKE, "Sec-WebSocket-Version": "8" };
    const { status, head } = await ask(visitor, "GET / HTTP/1.1", fields);
    assertEquals([status, head.get("sec-websocket-version")], [426, "13"]);
  });
  assertEquals(origin.requestCount, 0);
});

Deno.test("Requests that cannot be carried whole are refused in clear words and never reach the origin", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  const refused = async (method: string, lines: readonly string[], body: string) => {
    const before = origin.requestCount;
    using visitor = await tunnel.open();
    await visitor.send(
      [`${method} / HTTP/1.1`, `Host: ${tunnel.host}`, ...lines, "", body].join("\r\n"),
    );
    const response = await visitor.receiveAll(method);
    assertEquals(origin.requestCount, before);
    return response;
  };

  await t.step("GET with a body of known length", async () => {
    const { status, text } = await refused("GET", ["Content-Length: 4"], "body");
    assertEquals(status, 400);
    assertStringIncludes(text, "GET");
    assertStringIncludes(text, "body");
  });
  await t.step("GET with a chunked body", async () => {
    const { status } = await refused("GET", ["Transfer-Encoding: chunked"], "1\r\nx\r\n0\r\n\r\n");
    assertEquals(status, 400);
  });
  await t.step("HEAD with a body", async () => {
    assertEquals((await refused("HEAD", ["Content-Length: 4"], "body")).status, 400);
  });
  await t.step("Transfer-Encoding: gzip, chunked (RFC 9112 section 6.1)", async () => {
    const { status } = await refused("POST", ["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n");
    assert(status === 501 || status === 400, String(status));
  });
  await t.step("Content-Length beside Transfer-Encoding", async () => {
    const { status } = await refused(
      "POST",
      ["Content-Length: 4", "Transfer-Encoding: chunked"],
      "0\r\n\r\n",
    );
    assertEquals(status, 400);
  });
  await t.step("a GET that says it has no body is no such request", async () => {
    const { status, text } = await tunnel.request("/", { body: "" });
    assertEquals([status, text], [200, "ok"]);
  });
});
