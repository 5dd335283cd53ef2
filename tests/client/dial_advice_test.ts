import { assertEquals, assertRejects } from "@std/assert";
import { dialAdvice } from "../../lib/client/dial_advice.ts";
import { dialWebSocket } from "../../lib/websocket/dial.ts";
import { DialError } from "../../lib/websocket/dial_error.ts";
import type { HTTPProxy } from "../../lib/net/http_proxy.ts";
import { pathOf } from "../testing/certificate.ts";
import { freePort } from "../testing/free_port.ts";
import { RawOrigin } from "../testing/raw_origin.ts";
import { accepting } from "../testing/websocket_visit.ts";
import { within } from "../testing/within.ts";
import { TLSPort } from "../testing/tls_port.ts";

Deno.test("dialAdvice says why there is no connection, and what to do", async () => {
  assertEquals(
    await adviceFor("http://tunnel.invalid", { code: "EAI_NONAME" }),
    "its name has no address. Check the spelling of tunnel.invalid in --server, and whether its " +
      "DNS record is there yet",
  );
  const port = freePort();
  assertEquals(
    await adviceFor(`http://127.0.0.1:${port}`),
    `nothing listens there. Check that the server runs and that its port is ${port}`,
  );
});

Deno.test("dialAdvice tells a server that accepts and says nothing from one that cannot be reached", async () => {
  await using server = new RawOrigin((peer) => peer.ended());
  assertEquals(
    await adviceFor(`http://127.0.0.1:${server.port}`, { timeout: 200 }),
    "no answer came within 0.2 s. Something accepts connections there and says nothing: check the " +
      "port in --server",
  );
  const late = new DialError(
    { kind: "late", step: "connection" },
    "no connection came about within 10 s",
  );
  assertEquals(
    dialAdvice(late, "https://a.example"),
    "no connection came about within 10 s. Check the host and port in --server; a firewall in " +
      "between may drop what is sent there, or a proxy be needed (--proxy)",
  );
});

Deno.test("dialAdvice says what is wrong with a certificate, and what to do", async (t) => {
  const today = new Date().toISOString().slice(0, 10);
  const cases: Readonly<Record<string, string>> = {
    "signed.pem":
      "this machine does not know the authority that its certificate is from. If it is one of " +
      "your own, name its PEM file in --server-ca; if not, somebody else answers in the server's place",
    "selfmade_authority.pem":
      "its certificate is an authority's own (CA:TRUE). Give the server a certificate of its own, " +
      "signed by that one or made with CA:FALSE",
    "expired.pem":
      `its certificate expired on 2021-01-01, and this machine's clock says ${today}. Renew it at ` +
      "the server, or set the clock if that is wrong",
    "not_yet_valid.pem":
      `its certificate becomes valid on 2200-01-01, and this machine's clock says ${today}. Set ` +
      "this machine's clock if it is wrong",
    "other_name.pem":
      "its certificate is for shop.example, *.shop.example, not for localhost. Use a name in " +
      "--server that the certificate has, or give the server one for this name",
  };
  for (const [file, expected] of Object.entries(cases)) {
    await t.step(file, async () => {
      await using server = new TLSPort(file);
      const authorities = file === "signed.pem" ? [] : [Deno.readTextFileSync(pathOf(AUTHORITY))];
      assertEquals(await adviceFor(`https://localhost:${server.port}`, { authorities }), expected);
    });
  }
  await t.step("one that is trusted", async () => {
    await using server = new TLSPort("signed.pem");
    const authorities = [Deno.readTextFileSync(pathOf(AUTHORITY))];
    assertEquals(
      await adviceFor(`https://localhost:${server.port}`, { authorities }),
      "it closed the connection without an answer",
    );
  });
});

Deno.test("dialAdvice names the other scheme when one side alone speaks TLS", async (t) => {
  const plain: Readonly<Record<string, (port: number) => string>> = {
    "HTTP/1.1 400 Bad Request\r\n\r\n": (port) =>
      `it does not speak TLS. Start the client with --server http://127.0.0.1:${port} if it is to ` +
      "be reached without TLS",
    "": (port) =>
      "it closed the connection in the TLS handshake. If it does not speak TLS, its URL is " +
      `http://127.0.0.1:${port}`,
  };
  for (const [answer, expected] of Object.entries(plain)) {
    await t.step(`https, answered with ${JSON.stringify(answer)}`, async () => {
      await using server = new RawOrigin(async (peer) => {
        await peer.take(1);
        await peer.send(answer);
      });
      assertEquals(await adviceFor(`https://127.0.0.1:${server.port}`), expected(server.port));
    });
  }
  const secure: Readonly<Record<string, string>> = {
    "a TLS alert": "\x15\x03\x03\x00\x02\x02\x0a",
    "nginx": page("400 The plain HTTP request was sent to HTTPS port"),
    "Go": "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    "Apache": page("400 Bad Request") + "<h1>Bad Request</h1>\n<p>Your browser sent a request\n" +
      "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
  };
  for (const [name, answer] of Object.entries(secure)) {
    await t.step(`http, answered by ${name}`, async () => {
      assertEquals(
        await adviceOnAnswer(answer),
        "it speaks TLS on this port. Start the client with --server https://127.0.0.1:<port>",
      );
    });
  }
  await t.step("http, and the connection is closed", async () => {
    assertEquals(
      await adviceOnAnswer(""),
      "it closed the connection without an answer. If it speaks TLS, its URL is " +
        "https://127.0.0.1:<port>",
    );
  });
});

Deno.test("dialAdvice says what an answer means that is no tunnel server's", async (t) => {
  const cases: Readonly<Record<string, readonly [answer: string, expected: string]>> = {
    "a redirect to https": [
      "HTTP/1.1 301 Moved\r\nLocation: https://tunnel.example/proxy/subscribe\r\n\r\n",
      "it answered with status 301 (it sends to https://tunnel.example/proxy/subscribe). Start the " +
      "client with --server https://tunnel.example",
    ],
    "a login page by redirect": [
      "HTTP/1.1 302 Found\r\nLocation: http://wifi.example/login?for=tunnel\r\n\r\n",
      "it answered with status 302 (it sends to http://wifi.example/login?for=tunnel). That leads " +
      "to no tunnel server: check --server; or the network's login page answers in its place: open " +
      "any page in a browser",
    ],
    "a login page": [
      `HTTP/1.1 200 OK\r\n\r\n<html><head><title>Welcome on board</title>`,
      "it answered with status 200 (Welcome on board). It answers, but is no tunnel server: check " +
      "--server; or the network's login page answers in its place: open any page in a browser",
    ],
    "another site": [
      page("404 Not Found", "404 Not Found"),
      "it answered with status 404 (404 Not Found). Check the host in --server: clients connect to " +
      "the server's own, not to a tunnel's",
    ],
    "another port": [
      "HTTP/1.1 421 X\r\n\r\n421 Misdirected Request\n\nClients of this server connect to its port 7392.\n",
      "it answered with status 421 (Clients of this server connect to its port 7392.). Put that " +
      "port into --server",
    ],
    "a proxy that drops Upgrade": [
      "HTTP/1.1 426 Upgrade Required\r\n\r\n",
      "it answered with status 426. A proxy in front of the server drops what a WebSocket is asked " +
      "for with: in nginx, proxy_http_version 1.1; with proxy_set_header Upgrade $http_upgrade; " +
      "and Connection",
    ],
    "a gate in front": [
      "HTTP/1.1 403 Forbidden\r\n\r\n",
      "it answered with status 403. Something in front of the server guards the way to it",
    ],
    "a proxy in front": [
      page("502 Bad Gateway", "502 Bad Gateway"),
      "it answered with status 502 (502 Bad Gateway). A proxy in front of the server does not " +
      "reach it",
    ],
    "another protocol": [
      "SSH-2.0-OpenSSH_9.9\r\n",
      "it does not speak HTTP/1.1. That is no tunnel server: check the host and port in --server",
    ],
    "another WebSocket": [
      "HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
      "its answer to the WebSocket handshake is wrong: no Upgrade: websocket. That is no tunnel " +
      "server: check the host and port in --server",
    ],
  };
  for (const [name, [answer, expected]] of Object.entries(cases)) {
    await t.step(name, async () => assertEquals(await adviceOnAnswer(answer), expected));
  }
  await t.step("a WebSocket that is no tunnel", async () => {
    await using server = acceptingWith("");
    assertEquals(
      await adviceFor(`http://127.0.0.1:${server.port}`),
      "it opens WebSockets, but not those of a tunnel. That is no tunnel server: check the host " +
        "and port in --server",
    );
  });
  await t.step("an old server", async () => {
    await using server = acceptingWith("Sec-WebSocket-Protocol: tunnel.v0\r\n");
    assertEquals(
      await adviceFor(`http://127.0.0.1:${server.port}`),
      "it speaks tunnel.v0, not tunnel.v1. Server and client are of versions that do not " +
        "understand each other: update the older one",
    );
  });
});

Deno.test("dialAdvice says what a proxy on the way refuses, and what to do", async (t) => {
  const cases: Readonly<Record<string, readonly [answer: string, expected: string]>> = {
    "a login": [
      "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n<title>ERROR: Cache Access Denied</title>",
      "its proxy answered CONNECT a.example:80 with status 407 (ERROR: Cache Access Denied). It " +
      "wants a login: --proxy http://user:password@host:port, better in the environment as " +
      "TUNNEL_PROXY",
    ],
    "a port": [
      "HTTP/1.1 403 Forbidden\r\n\r\n",
      "its proxy answered CONNECT a.example:80 with status 403. Many proxies lead to port 443 " +
      "alone; ask who runs it to allow this server",
    ],
    "a server that it cannot reach": [
      "HTTP/1.1 503 X\r\n\r\n",
      "its proxy answered CONNECT a.example:80 with status 503. The proxy cannot reach the " +
      "server: check the host and port in --server",
    ],
    "what is no proxy": [
      "SSH-2.0-OpenSSH_9.9\r\n",
      "its proxy is none: it does not speak HTTP/1.1. Check --proxy, or HTTPS_PROXY, HTTP_PROXY " +
      "and NO_PROXY in the environment",
    ],
  };
  for (const [name, [answer, expected]] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using proxy = answering(answer);
      assertEquals(await adviceFor("http://a.example", { proxy: proxyAt(proxy.port) }), expected);
    });
  }
  await t.step("nothing", async () => {
    assertEquals(
      await adviceFor("http://a.example", { proxy: proxyAt(freePort()) }),
      "its proxy cannot be reached: nothing listens there. Check --proxy, or HTTPS_PROXY, " +
        "HTTP_PROXY and NO_PROXY in the environment",
    );
  });
});

const AUTHORITY = "authority.pem";

interface AdviceOptions {
  readonly proxy?: HTTPProxy;
  readonly authorities?: readonly string[];
  readonly timeout?: number;
  /** In place of what the system says of a name, which differs where there is no network. */
  readonly code?: string;
}

/** Dials a server in vain and returns what is said about it. */
async function adviceFor(
  server: string,
  { code, timeout = 10_000, ...options }: AdviceOptions = {},
): Promise<string> {
  const signal = new AbortController().signal;
  const dialled = dialWebSocket(new URL("/proxy/subscribe", server), {
    protocol: "tunnel.v1",
    timeout,
    signal,
    ...options,
  });
  const error = await within(assertRejects(() => dialled, DialError), "the end of the dial");
  if (code === undefined) return dialAdvice(error, server);
  assertEquals(error.failure.kind, "unreachable");
  const known = new DialError({ kind: "unreachable", code }, "its name has no address");
  return dialAdvice(known, server);
}

/** Has a server give an answer and returns what is said about it, with `<port>` for the port. */
async function adviceOnAnswer(answer: string): Promise<string> {
  await using server = answering(answer);
  const advice = await adviceFor(`http://127.0.0.1:${server.port}`);
  return advice.replaceAll(`:${server.port}`, ":<port>");
}

function answering(answer: string): RawOrigin {
  return new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send(answer);
  });
}

/** Opens each WebSocket that is asked for, with more lines in its answer. */
function acceptingWith(lines: string): RawOrigin {
  return new RawOrigin(async (peer) => {
    const [, key = ""] = /^sec-websocket-key: (.*)\r$/im.exec(await peer.until()) ?? [];
    await peer.send(accepting(key, lines));
  });
}

function page(title: string, status = "400 Bad Request"): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\n\r\n<html>\r\n<head><title>${title}` +
    "</title></head>\r\n<body>\r\n";
}

function proxyAt(port: number): HTTPProxy {
  return { host: "127.0.0.1", port, authorization: null };
}
