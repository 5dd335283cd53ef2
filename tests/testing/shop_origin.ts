import { Feed } from "./feed.ts";
import { ServedOrigin } from "./served_origin.ts";
import { within } from "./within.ts";

/** HTML that would tell if any script of it ran, in a page or in a frame. */
const HOSTILE = "<!doctype html><title>Shop</title><h1>Fresh bread</h1>" +
  "<script>parent.ran = top.ran = 1; document.title = 'ran'</script>" +
  "<img src=/stolen onerror='parent.ran = 1'><svg onload='parent.ran = 1'></svg>" +
  "<link rel=stylesheet href=/stolen><iframe src='javascript:parent.parent.ran = 1'></iframe>" +
  "<meta http-equiv=refresh content='0; url=/stolen'>";

/** A service with a webhook that fails the first time, and with what comes bit by bit. */
export class ShopOrigin extends ServedOrigin {
  /** Bodies of the webhook's requests, in order. */
  readonly received: string[] = [];
  readonly #feed = Promise.withResolvers<Feed>();
  readonly #socket = Promise.withResolvers<WebSocket>();

  /** Returns what the request for `/events` is answered with. */
  feed(): Promise<Feed> {
    return within(this.#feed.promise, "a request for events");
  }

  /** Returns the service's end of the WebSocket. */
  socket(): Promise<WebSocket> {
    return within(this.#socket.promise, "a WebSocket");
  }

  protected override async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/webhook":
        this.received.push(await request.text());
        return this.received.length === 1
          ? Response.json({ error: "no such invoice" }, { status: 500 })
          : Response.json({ paid: true, count: this.received.length });
      case "/events": {
        const feed = new Feed();
        this.#feed.resolve(feed);
        return new Response(feed.body, { headers: { "content-type": "text/event-stream" } });
      }
      case "/live": {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.addEventListener("open", () => this.#socket.resolve(socket));
        return response;
      }
      case "/page":
        return new Response(HOSTILE, { headers: { "content-type": "text/html" } });
      case "/broken":
        return new Response('{"a": 1,, "b": [2 3]', {
          headers: { "content-type": "application/json" },
        });
      default:
        return new Response("not found", { status: pathname === "/" ? 200 : 404 });
    }
  }
}
