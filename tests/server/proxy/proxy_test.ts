import { assert, assertEquals } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { FieldList } from "../../../lib/server/proxy/field_list.ts";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import { RequestHeads } from "../../../lib/server/proxy/request_heads.ts";
import { IdleWatch } from "../../../lib/server/proxy/idle_watch.ts";
import { Proxy } from "../../../lib/server/proxy/proxy.ts";
import { Registry } from "../../../lib/server/tunnels/registry.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import type { Upstream } from "../../../lib/server/tunnels/upstream.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { eventually } from "../../testing/eventually.ts";
import { HTTP2Visitor } from "../../testing/http2_visitor.ts";

/** What an HTTP/2 visitor sends that might be one of HTTP/1.1, so that whether a body comes is seen only when it does. */
const HEAD = { ":method": "POST", ":path": "/", "host": "a.test" };

Deno.test("Proxy.forward answers 408 when the body that no field announces does not come, and opens no stream", async () => {
  await using scene = new Scene(120);
  await using visitor = new HTTP2Visitor(scene.port);
  const { stream, head, text } = visitor.begin(HEAD, { end: false });
  assertEquals((await head).status, 408);
  assert((await text).includes("did not come"));
  assertEquals([scene.idle.size, scene.metrics.limited.idle.value], [0, 1]);
  stream.close();
});

Deno.test("Proxy.forward waits no more for such a body when its visitor leaves", async () => {
  await using scene = new Scene();
  await using visitor = new HTTP2Visitor(scene.port);
  const { stream, head, text } = visitor.begin(HEAD, { end: false });
  const left = Promise.allSettled([head, text]);
  await eventually("the wait", () => scene.idle.size === 1);
  stream.close();
  await eventually("the end of the wait", () => scene.idle.size === 0);
  await left;
  assertEquals(scene.metrics.limited.idle.value, 0);
});

/** A proxy behind a listener that speaks HTTP/2, without an upstream; `timeout` is that of bodies in milliseconds. */
class Scene implements AsyncDisposable {
  readonly metrics = new ServerMetrics(new Registry({ fixed: false }));
  readonly idle: IdleWatch;
  readonly #proxy: Proxy;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(timeout?: number) {
    this.idle = new IdleWatch(timeout);
    this.#proxy = new Proxy({
      heads: new RequestHeads(new ForwardedFields({ trustProxy: null })),
      headTimeout: 1_000,
      bodies: { most: null, idle: this.idle, limited: this.metrics.limited },
      log: new Log({ format: "text", level: "error", write: () => {} }),
    });
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        cert: Deno.readTextFileSync(CERTIFICATE.certFile),
        key: Deno.readTextFileSync(CERTIFICATE.keyFile),
        onListen() {},
      },
      (request) => this.#forward(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#proxy.close();
    await this.#server.shutdown();
  }

  #forward(request: Request): Promise<Response> {
    const address = "127.0.0.1";
    return this.#proxy.forward({
      request,
      fields: new FieldList(request.headers),
      port: 1,
      address,
      target: "/",
      connection: { peer: address, scheme: "https", host: "a.test" },
    }, nowhere);
  }
}

const nowhere: Upstream = {
  admit: () => null,
  open() {
    throw new Error("a stream was opened");
  },
};
