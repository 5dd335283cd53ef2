import { assertEquals } from "@std/assert";
import { ForwardedFields } from "../../../lib/server/proxy/forwarded.ts";
import { RequestHeads, type TunnelVisit } from "../../../lib/server/proxy/request_heads.ts";
import { IdleWatch } from "../../../lib/server/proxy/idle_watch.ts";
import { Proxy } from "../../../lib/server/proxy/proxy.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import { MovedError, type Opening, type Upstream } from "../../../lib/server/tunnels/upstream.ts";
import { ErrorCode, StreamError } from "../../../lib/wire/errors.ts";
import type { Answer, Visit } from "../../../lib/server/listen/visit.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { HTTP2Visitor } from "../../testing/http2_visitor.ts";
import { Listening, SILENT } from "../../testing/listening.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";
import { within } from "../../testing/within.ts";

/** What an HTTP/2 visitor sends, with Host as some proxies do and without. */
const HEADS = [
  { ":method": "POST", ":path": "/", "host": "a.test" },
  { ":method": "POST", ":path": "/", ":authority": "a.test" },
] as const;

Deno.test("Proxy.forward tells an upstream of a body where one comes over HTTP/2, and of none where none does", async () => {
  const bodies: boolean[] = [];
  await using scene = new Scene(({ hasBody }) => {
    bodies.push(hasBody);
    throw new StreamError(ErrorCode.OriginUnreachable, "nobody is there");
  });
  await using visitor = new HTTP2Visitor(scene.port);
  for (const head of HEADS) {
    await visitor.request(head);
    const { stream, head: answer } = visitor.begin(head, { end: false });
    stream.end("hello");
    assertEquals([(await answer).status, bodies.splice(0)], [502, [false, true]]);
  }
});

Deno.test("Proxy.forward opens a stream for a visitor over HTTP/2 that waits before it sends its body", async () => {
  for (const head of HEADS) {
    const opened = Promise.withResolvers<boolean>();
    await using scene = new Scene(({ hasBody }) => {
      opened.resolve(hasBody);
      throw new StreamError(ErrorCode.OriginUnreachable, "nobody is there");
    });
    await using visitor = new HTTP2Visitor(scene.port);
    const { stream } = visitor.begin(head, { end: false });
    assertEquals(await within(opened.promise, "a stream"), true);
    stream.close();
  }
});

Deno.test("Proxy.forward sends a request elsewhere whose tunnel has left before a stream was opened", async () => {
  for (const head of HEADS) {
    const bodies: boolean[] = [];
    await using scene = new Scene(({ hasBody }) => {
      bodies.push(hasBody);
      throw bodies.length % 2 === 1
        ? new MovedError("the tunnel has left")
        : new StreamError(ErrorCode.OriginUnreachable, "nobody is there");
    });
    await using visitor = new HTTP2Visitor(scene.port);
    assertEquals((await visitor.request(head)).status, 502);
    const { stream, head: answer } = visitor.begin(head, { end: false });
    stream.end("hello");
    assertEquals([(await answer).status, bodies], [502, [false, false, true, true]]);
  }
});

/** A proxy behind a listener that speaks HTTP/2, with an upstream that opens no streams. */
class Scene implements AsyncDisposable {
  readonly #proxy: Proxy;
  readonly #upstream: Upstream;
  readonly #listening: Listening;

  constructor(open: (opening: Opening) => never) {
    this.#upstream = { maxBody: null, tellsContinue: false, admit: () => null, open };
    const { limited } = new ServerMetrics(roomyRegistry());
    this.#proxy = new Proxy({
      heads: new RequestHeads(new ForwardedFields({ trustProxy: null })),
      bodies: { most: null, idle: new IdleWatch(), limited },
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
  #forward(visit: Visit): Answer | Promise<Answer> {
    const connection = { peer: visit.address, scheme: "https", host: "a.test" } as const;
    const again = (): Answer | Promise<Answer> => this.#proxy.forward(request, this.#upstream);
    const request: TunnelVisit = { visit, target: "/", connection, again };
    return again();
  }
}
