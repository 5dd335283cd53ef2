import { assert, assertEquals } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;

Deno.test("With OTEL_DENO the server's spans are in the visitor's trace, and the service gets traceparent as it was sent", async () => {
  await using collector = Collector.start();
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({
    origin,
    programs: {
      env: {
        OTEL_DENO: "true",
        OTEL_SERVICE_NAME: "tunnel",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "100",
      },
    },
  });
  using visitor = await tunnel.open();
  await visitor.send(tunnel.write("/page?a=b", {
    fields: [["traceparent", TRACEPARENT], ["tracestate", "vendor=1"]],
  }));
  const exchange = await origin.next();
  assertEquals(exchange.head.all("traceparent"), [TRACEPARENT]);
  assertEquals(exchange.head.all("tracestate"), ["vendor=1"]);
  await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  assertEquals((await visitor.receiveAll()).text, "ok");
  await eventually("the span of the request", () => collector.has(`"traceId": "${TRACE}"`));
  for (const part of [`"parentSpanId": "${SPAN}"`, "/page", '"stringValue": "tunnel"']) {
    assert(collector.has(part), part);
  }
});

/** Takes what OpenTelemetry exports over HTTP as JSON. */
class Collector implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #traces: string[] = [];

  private constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const text = await request.text();
        if (request.url.endsWith("/v1/traces")) this.#traces.push(text);
        return new Response(null);
      },
    );
  }

  static start(): Collector {
    return new Collector();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  has(text: string): boolean {
    return this.#traces.some((trace) => trace.replaceAll(/\s+/g, " ").includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
