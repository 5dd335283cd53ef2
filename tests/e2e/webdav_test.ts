import { assertEquals } from "@std/assert";
import { CERTIFICATE } from "../testing/certificate.ts";
import { isInstalled } from "../testing/front_proxy.ts";
import { HTTP2Visitor } from "../testing/http2_visitor.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { WebDAVOrigin } from "../testing/webdav_origin.ts";

const ignore = !isInstalled("nginx");

Deno.test(
  "nginx' WebDAV takes what visitors ask over HTTP/2, with bodies and without",
  { ignore },
  async () => {
    await using origin = await WebDAVOrigin.start();
    const { certFile, keyFile } = CERTIFICATE;
    await using tunnel = await startTunnel({
      origin,
      serverArgs: ["--tls-cert", certFile, "--tls-key", keyFile],
      programs: { env: { DENO_CERT: certFile } },
    });
    await using visitor = new HTTP2Visitor(Number(tunnel.server.url.port));
    const ask = async (method: string, path: string, fields: Record<string, string> = {}) => {
      const asked = { ":method": method, ":path": path, ":authority": tunnel.host, ...fields };
      return await visitor.request(asked);
    };
    const put = visitor.begin(
      { ":method": "PUT", ":path": "/a.txt", ":authority": tunnel.host },
      { end: false },
    );
    put.stream.end("content");
    const statuses = [(await put.head).status];
    // nginx compares the scheme in Destination with its own, and takes a path as it is.
    for (
      const [method, path, fields] of [
        ["MKCOL", "/folder/"],
        ["COPY", "/a.txt", { destination: "/folder/b.txt" }],
        ["MOVE", "/folder/b.txt", { destination: "/folder/c.txt" }],
        ["DELETE", "/a.txt"],
      ] as const
    ) statuses.push((await ask(method, path, fields)).status);
    assertEquals(statuses, [201, 201, 204, 204, 204]);
    assertEquals((await ask("GET", "/folder/c.txt")).text, "content");
    assertEquals((await ask("GET", "/a.txt")).status, 404);
    assertEquals((await ask("DELETE", "/folder/")).status, 204);
  },
);
