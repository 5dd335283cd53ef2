import { assert, assertEquals } from "@std/assert";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import { RequestHeads } from "../../../lib/server/proxy/request_heads.ts";
import { IdleWatch } from "../../../lib/server/proxy/idle_watch.ts";
import { Proxy } from "../../../lib/server/proxy/proxy.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import { MovedError, type Upstream } from "../../../lib/server/tunnels/upstream.ts";
import { ErrorCode, StreamError } from "../../../lib/wire/errors.ts";
import type { Answer, Visit } from "../../../lib/server/listen/visit.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { eventually } from "../../testing/eventually.ts";
import { HTTP2Visitor } from "../../testing/http2_visitor.ts";
import { Listening, SILENT } from "../../testing/listening.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

/** What an HTTP/2 visitor sends that might be one of HTTP/1.1, so that whether a body comes is seen only when it does. */
const HEAD = { ":method": "POST", ":path": "/", "host": "a.test" };

Deno.test("Proxy.forward answers 408 when the body that no field announces does not come, and opens no stream", async () => {
  await using scene = new Scene({ timeout: 120 });
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

Deno.test("Proxy.forward sends a request elsewhere that turned out to have no body, and answers 503 for one whose first piece was read", async () => {
  const bodies: boolean[] = [];
  const moved: Upstream = {
    admit: () => null,
    open({ hasBody }) {
      bodies.push(hasBody);
      throw bodies.length === 1
        ? new MovedError("the tunnel has left")
        : new StreamError(ErrorCode.OriginUnreachable, "nobody is there");
    },
  };
  await using scene = new Scene({ upstream: moved });
  await using visitor = new HTTP2Visitor(scene.port);
  const empty = await visitor.request(HEAD);
  assertEquals([empty.status, bodies.splice(0)], [502, [false, false]]);
  const { stream, head } = visitor.begin(HEAD, { end: false });
  stream.end("hello");
  assertEquals([(await head).status, bodies], [503, [true]]);
});

/** A proxy behind a listener that speaks HTTP/2; `timeout` is that of bodies in milliseconds. */
class Scene implements AsyncDisposable {
  readonly metrics = new ServerMetrics(roomyRegistry());
  readonly idle: IdleWatch;
  readonly #proxy: Proxy;
  readonly #upstream: Upstream;
  readonly #listening: Listening;

  constructor(
    { timeout, upstream = nowhere }: { readonly timeout?: number; readonly upstream?: Upstream } =
      {},
  ) {
    this.idle = new IdleWatch(timeout);
    this.#upstream = upstream;
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

  /** Forwards a visit, and once more when the tunnel has left its upstream. */
  async #forward(visit: Visit): Promise<Answer> {
    const connection = { peer: visit.address, scheme: "https", host: "a.test" } as const;
    const request = { visit, target: "/", connection };
    try {
      return await this.#proxy.forward(request, this.#upstream);
    } catch (error) {
      if (!(error instanceof MovedError)) throw error;
      return await this.#proxy.forward(request, this.#upstream);
    }
  }
}

const nowhere: Upstream = {
  admit: () => null,
  open() {
    throw new Error("a stream was opened");
  },
};
