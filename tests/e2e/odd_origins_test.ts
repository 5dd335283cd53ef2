import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CERTIFICATE } from "../testing/certificate.ts";
import { originAnswers } from "../testing/protocol_document.ts";
import { HAS_PYTHON, PythonOrigin } from "../testing/python_origin.ts";
import { RawOrigin } from "../testing/raw_origin.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
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

Deno.test("a visitor and the owner are told that a port speaks TLS, and what to do", async () => {
  const { certFile, keyFile } = CERTIFICATE;
  const [cert, key] = [await Deno.readTextFile(certFile), await Deno.readTextFile(keyFile)];
  const place = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using origin = Deno.serve({ ...place, cert, key }, () => new Response("ok"));
  await using tunnel = await startTunnel({ origin: { port: origin.addr.port } });
  const { status, text } = await tunnel.request("/");
  const advice =
    /this port speaks TLS \(https\), and the client asks in plain HTTP; give the client/;
  assertEquals(status, 502);
  assertMatch(text, advice);
  assertMatch(`${await tunnel.client.stderr.find(advice)}`, advice);
});

Deno.test("a visitor never gets an answer with the rights of another one, who logged in a connection", async () => {
  // As NTLM does: who has logged in is known by the connection alone.
  await using origin = new RawOrigin(async (peer) => {
    for (let user = "nobody";;) {
      user = /^authorization: (.*)\r$/m.exec(await peer.until())?.[1] ?? user;
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${user.length}\r\n\r\n${user}`);
    }
  });
  await using tunnel = await startTunnel({ origin });
  for (const login of ["NTLM TlRMTVNTUAAD", "Negotiate YII="]) {
    const first = await tunnel.request("/", { fields: [["Authorization", login]] });
    assertEquals(first.text, login);
    assertEquals((await tunnel.request("/")).text, "nobody");
  }
});

Deno.test({
  name: "a server of Python that takes one connection at a time answers requests that come at once",
  ignore: !HAS_PYTHON,
  async fn() {
    await using origin = await PythonOrigin.start(SERIAL_SERVER);
    await using tunnel = await startTunnel({ origin });
    for (let round = 0; round < 2; round++) {
      const many = await Promise.all(Array.from({ length: 5 }, () => tunnel.request("/")));
      assertEquals(many.map(({ status, text }) => `${status} ${text}`), Array(5).fill("200 ok"));
    }
  },
});

Deno.test({
  name: "a script behind Python's http.server, whose lines end with LF alone, is published",
  ignore: !HAS_PYTHON || Deno.build.os === "windows",
  async fn() {
    await using folder = await TempDir.make();
    // As root, Python runs scripts as nobody.
    await Deno.chmod(folder.path, 0o755);
    await Deno.mkdir(`${folder.path}/cgi-bin`);
    const script = `${folder.path}/cgi-bin/hello.sh`;
    await Deno.writeTextFile(
      script,
      `#!/bin/sh\nprintf 'Content-Type: text/plain\\nX Y: z\\n\\nhello'\n`,
    );
    await Deno.chmod(script, 0o755);
    await using origin = await PythonOrigin.start(CGI_SERVER, folder.path);
    await using tunnel = await startTunnel({ origin });
    const { status, text } = await tunnel.request("/cgi-bin/hello.sh");
    assertEquals([status, text], [200, "hello"]);
    await tunnel.client.stderr.find(/the field "X Y" is dropped: .*RFC 9110/);
    assertStringIncludes(`${tunnel.client.stderr}`, "its name is not a token");
  },
});

/** The simplest server that keeps connections: without threads, so the next one waits for the end of this one. */
const SERIAL_SERVER = `
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
server = HTTPServer(("127.0.0.1", 0), Handler)
`;

/** What `python3 -m http.server --cgi` runs, at a free port. */
const CGI_SERVER = `
from http.server import CGIHTTPRequestHandler, ThreadingHTTPServer
server = ThreadingHTTPServer(("127.0.0.1", 0), CGIHTTPRequestHandler)
`;
