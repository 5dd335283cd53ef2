import { ServedOrigin } from "../testing/served_origin.ts";

/** A shop with a page, a script, a webhook that fails, events and a WebSocket. */
export class PictureShop extends ServedOrigin {
  protected override answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/":
        return new Response("<!doctype html><h1>Fresh bread</h1>".padEnd(4100), {
          headers: { "content-type": "text/html" },
        });
      case "/webhooks/stripe":
        return Response.json({ error: "no such invoice" }, { status: 500 });
      case "/live": {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.addEventListener("message", ({ data }) => socket.send(`you said ${data}`));
        return response;
      }
      case "/events":
        return new Response("data: 1\n\ndata: 2\n\ndata: 3\n\n", {
          headers: { "content-type": "text/event-stream" },
        });
      case "/favicon.ico":
        return new Response(null, { status: 404 });
      default:
        return pathname.startsWith("/assets/")
          ? new Response("/".repeat(182_000), { headers: { "content-type": "text/javascript" } })
          : new Response(null, { status: 204 });
    }
  }
}
