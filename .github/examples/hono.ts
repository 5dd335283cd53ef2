// Publishes an app of Hono, with a WebSocket that says everything twice.
import { serve, upgradeWebSocket as upgrade } from "@tunnel/tunnel";
import { Hono } from "hono";
import { defineWebSocketHelper, WSContext } from "hono/ws";

/** Hono's helper for WebSockets, over those of a tunnel. */
const upgradeWebSocket = defineWebSocketHelper((c, events) => {
  if (c.req.header("upgrade") !== "websocket") return;
  const { socket, response } = upgrade(c.req.raw);
  const context = new WSContext({
    raw: socket,
    url: socket.url,
    protocol: socket.protocol,
    get readyState() {
      return socket.readyState === 0 || socket.readyState === 1 ? socket.readyState : 3;
    },
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
  });
  socket.onopen = (event) => events.onOpen?.(event, context);
  socket.onmessage = (event) => events.onMessage?.(event, context);
  socket.onclose = (event) => events.onClose?.(event, context);
  socket.onerror = (event) => events.onError?.(event, context);
  return response;
});

const app = new Hono()
  .get("/", (c) => c.text("an app of Hono"))
  .get("/users/:name", (c) => c.json({ name: c.req.param("name") }))
  .get(
    "/twice",
    upgradeWebSocket(() => ({
      onMessage({ data }, socket) {
        socket.send(`${data} ${data}`);
      },
    })),
  );

const server = Deno.env.get("TUNNEL_SERVER") ?? "http://localhost:6519";
const tunnel = await serve({ server }, app);
console.log(tunnel.url);
