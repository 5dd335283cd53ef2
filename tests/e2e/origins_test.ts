import { assertEquals, assertStringIncludes } from "@std/assert";
import { createServer, type Server } from "node:http";
import { createServer as createTLSServer } from "node:https";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { CERTIFICATE, pathOf } from "../testing/certificate.ts";
import { freePort } from "../testing/free_port.ts";
import { FrontProxy, isInstalled } from "../testing/front_proxy.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { HAS_PYTHON, PythonOrigin } from "../testing/python_origin.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { HANDSHAKE } from "../testing/websocket_frame.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";
import { within } from "../testing/within.ts";

const AUTHORITY = pathOf("authority.pem");

/** A program of gunicorn's that answers with what it was asked: its path, the public host, and how long the body was. */
const GUNICORN_APP = `
def app(environ, start_response):
    size = len(environ["wsgi.input"].read())
    text = f'{environ["PATH_INFO"]} {environ["HTTP_HOST"]} {environ["wsgi.url_scheme"]} {size}'
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
`;

/** A probe of what the client may still do. */
const PROBED = { preload: new URL("../testing/permission_probe.ts", import.meta.url) };

const isWindows = Deno.build.os === "windows";

Deno.test({
  name: "nginx on https with an authority of its own is published, once the client knows that",
  ignore: !isInstalled("nginx"),
  fn: async (t) => {
    await using folder = await TempDir.make();
    const port = freePort();
    await using _nginx = await startNginx(folder.path, port);
    const service = `https://127.0.0.1:${port}`;
    await t.step("by --origin-ca, with the public Host and no name for an address", async () => {
      await using tunnel = await startTunnel({
        origin: service,
        clientArgs: ["--origin-ca", AUTHORITY],
      });
      await within(tunnel.client.stderr.find(new RegExp(`serving ${service}$`)), "its name");
      const { status, text } = await tunnel.request("/a?b=%2f");
      assertEquals([status, text], [200, `host ${tunnel.host} name - /a?b=%2f`]);
    });
    await t.step(
      "by the name that --host-header gives, which the server is asked for",
      async () => {
        await using tunnel = await startTunnel({
          origin: service,
          clientArgs: ["--origin-ca", AUTHORITY, "--host-header", "app.tunnel.test"],
        });
        const { text } = await tunnel.request("/");
        assertEquals(text, "host app.tunnel.test name app.tunnel.test /");
      },
    );
    await t.step("by --insecure-origin, whatever it is", async () => {
      await using tunnel = await startTunnel({
        origin: service,
        clientArgs: ["--insecure-origin"],
      });
      assertEquals((await tunnel.request("/")).status, 200);
      const body = "x".repeat(300_000);
      const { status } = await tunnel.request("/", { method: "POST", body });
      assertEquals(status, 200);
    });
    await t.step("and not at all without, which the owner is told the reason of", async () => {
      await using tunnel = await startTunnel({ origin: service });
      assertEquals((await tunnel.request("/")).status, 502);
      const line = await within(tunnel.client.stderr.find(/warning: .*/), "the warning");
      assertStringIncludes(line?.[0] ?? "", `no connection to 127.0.0.1:${port}`);
      assertStringIncludes(line?.[0] ?? "", "does not know the authority");
    });
  },
});

Deno.test({
  name:
    "A server of Python's on a socket in the file system is published, and keeps its connection",
  ignore: !HAS_PYTHON || isWindows,
  fn: async () => {
    await using folder = await TempDir.make();
    const path = `${folder.path}/app.sock`;
    await using _origin = await PythonOrigin.start(UNIX_SERVER.replace("PATH", path));
    await using tunnel = await startTunnel({ origin: `unix:${path}` });
    await within(tunnel.client.stderr.find(/serving unix:\/.*\/app\.sock$/), "its name");
    for (const size of [0, 10, 200_000]) {
      const { status, text } = await tunnel.request("/page", {
        method: "POST",
        body: "x".repeat(size),
      });
      assertEquals([status, text], [200, `/page ${tunnel.host} ${size}`]);
    }
  },
});

Deno.test({
  name: "A socket that is not there yet is a 502, and is found when its server starts",
  ignore: isWindows,
  fn: async () => {
    await using folder = await TempDir.make();
    const path = `${folder.path}/app.sock`;
    await using tunnel = await startTunnel({ origin: `unix:${path}`, programs: PROBED });
    assertEquals((await tunnel.request("/")).status, 502);
    using server = serve(createServer((_request, response) => response.end("here")));
    await server.listen(path);
    assertEquals((await tunnel.request("/")).text, "here");
    tunnel.client.signal("SIGUSR2");
    const may = await within(tunnel.client.stderr.find(/^may: (.*); did: /), "the answer");
    assertEquals(may?.[1], "read write net");
  },
});

Deno.test({
  name: "gunicorn on a socket in the file system is published, with uploads of any length",
  ignore: !isInstalled("gunicorn") || isWindows,
  fn: async () => {
    await using folder = await TempDir.make();
    const path = `${folder.path}/app.sock`;
    await Deno.writeTextFile(`${folder.path}/app.py`, GUNICORN_APP);
    await using _gunicorn = await FrontProxy.start("gunicorn", {
      args: ["--bind", `unix:${path}`, "--chdir", folder.path, "--threads", "4", "app:app"],
      ready: /Booting worker with pid/,
    });
    await using tunnel = await startTunnel({ origin: `unix:${path}` });
    const ask = async (target: string, body?: string) => {
      const method = body === undefined ? "GET" : "POST";
      const { status, text } = await tunnel.request(target, { method, ...body && { body } });
      return [status, text];
    };
    assertEquals(await ask("/caf%C3%A9"), [200, `/cafÃ© ${tunnel.host} http 0`]);
    for (const size of [1, 300_000]) {
      assertEquals(await ask("/", "x".repeat(size)), [200, `/ ${tunnel.host} http ${size}`]);
    }
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`/${i}`)));
    assertEquals(all.map(([, text]) => text), all.map((_, i) => `/${i} ${tunnel.host} http 0`));
  },
});

Deno.test({
  name: "WebSockets go to an origin over TLS and to a socket in the file system",
  ignore: isWindows,
  fn: async (t) => {
    await using folder = await TempDir.make();
    const tls = {
      cert: Deno.readTextFileSync(pathOf("signed.pem")),
      key: Deno.readTextFileSync(CERTIFICATE.keyFile),
    };
    await t.step("over TLS, by an authority or by none", async () => {
      using server = serve(createTLSServer(tls));
      const port = await server.listen(0);
      for (const args of [["--origin-ca", AUTHORITY], ["--insecure-origin"]]) {
        await using tunnel = await startTunnel({
          origin: `https://localhost:${port}`,
          clientArgs: args,
        });
        assertEquals(await echoed(tunnel, "over TLS"), "over TLS");
      }
      await using untrusting = await startTunnel({ origin: `https://localhost:${port}` });
      assertEquals((await untrusting.request("/", { fields: HANDSHAKE })).status, 502);
      await within(
        untrusting.client.stderr.find(/warning: a visitor got no answer.*certificate/),
        "the warning",
      );
    });
    await t.step("over a socket", async () => {
      using server = serve(createServer());
      const path = `${folder.path}/a socket:1`;
      await server.listen(path);
      await using tunnel = await startTunnel({ origin: `unix:${path}` });
      assertEquals(await echoed(tunnel, "over a socket"), "over a socket");
    });
  },
});

/** Sends a message through the tunnel to an echo. */
async function echoed(tunnel: Tunnel, message: string): Promise<string> {
  using peer = await visitWebSocket(tunnel);
  peer.send(message);
  return String(await peer.next());
}

interface Served extends Disposable {
  listen(place: string | number): Promise<number>;
}

/** Lets a server of Node's echo what WebSockets say. */
function serve(server: Server): Served {
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  return {
    listen: (place) =>
      new Promise((resolve) => {
        const options = typeof place === "string"
          ? { path: place }
          : { host: "127.0.0.1", port: place };
        server.listen(options, () => {
          const address = server.address();
          resolve(typeof address === "object" && address !== null ? address.port : 0);
        });
      }),
    [Symbol.dispose]() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function startNginx(folder: string, port: number): Promise<FrontProxy> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`);
  const name = `map $ssl_server_name $name { "" "-"; default $ssl_server_name; }`;
  const configuration = `
    daemon off; worker_processes 1; error_log stderr notice; pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off; ${temporary.join(" ")} ${name}
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${pathOf("signed.pem")};
        ssl_certificate_key ${CERTIFICATE.keyFile};
        location / { return 200 "host $http_host name $name $request_uri"; }
      }
    }`;
  await Deno.writeTextFile(`${folder}/nginx.conf`, configuration);
  return await FrontProxy.start("nginx", {
    args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
    ready: /start worker process /,
  });
}

/** Answers with what it was asked, over HTTP/1.1; \`server_address\` of a socket has no port. */
const UNIX_SERVER = `
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
  protocol_version = "HTTP/1.1"
  def address_string(self):
    return "socket"
  def do_POST(self):
    body = self.rfile.read(int(self.headers["content-length"]))
    answer = ("%s %s %d" % (self.path, self.headers["host"], len(body))).encode()
    self.send_response(200)
    self.send_header("content-length", str(len(answer)))
    self.end_headers()
    self.wfile.write(answer)
class Server(socketserver.ThreadingUnixStreamServer):
  daemon_threads = True
server = Server("PATH", Handler)
server.server_address = (None, 1)
`;
