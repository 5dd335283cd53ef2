import { assert, assertEquals } from "@std/assert";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import { RequestHeads } from "../../../lib/server/proxy/request_heads.ts";
import { IdleWatch } from "../../../lib/server/proxy/idle_watch.ts";
import { Proxy } from "../../../lib/server/proxy/proxy.ts";
import { Registry } from "../../../lib/server/tunnels/registry.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import type { Upstream } from "../../../lib/server/tunnels/upstream.ts";
import type { Answer, Visit } from "../../../lib/server/listen/visit.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { eventually } from "../../testing/eventually.ts";
import { HTTP2Visitor } from "../../testing/http2_visitor.ts";
import { Listening, SILENT } from "../../testing/listening.ts";

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
  readonly #listening: Listening;

  constructor(timeout?: number) {
    this.idle = new IdleWatch(timeout);
    this.#proxy = new Proxy({
      heads: new RequestHeads(new ForwardedFields({ trustProxy: null })),
      headTimeout: 1_000,
      bodies: { most: null, idle: this.idle, limited: this.metrics.limited },
      log: SILENT,
    });
    const tls = {
      cert: Deno.readTextFileSync(CERTIFICATE.certFile),
      key: Deno.readTextFileSync(CERTIFICATE.keyFile),
    };
    this.#listening = new Listening((visit) => this.#forward(visit), { tls });
  }

  get port(): number {
    return this.#listening.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening.shutdown();
  }

  #forward(visit: Visit): Promise<Answer> {
    return this.#proxy.forward({
      visit,
      target: "/",
      connection: { peer: visit.address, scheme: "https", host: "a.test" },
    }, nowhere);
  }
}

const nowhere: Upstream = {
  admit: () => null,
  open() {
    throw new Error("a stream was opened");
  },
};
