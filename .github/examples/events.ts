// Publishes a stream of events (Server-Sent Events, as MCP servers use them); it ends when its visitor leaves.
import { serve } from "@tunnel/tunnel";

const server = Deno.env.get("TUNNEL_SERVER") ?? "http://localhost:6519";
const tunnel = await serve({ server }, () => {
  const { readable, writable } = new TransformStream<string, string>();
  void tellTime(writable).catch(() => console.error("a visitor left"));
  return new Response(readable.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
});
console.log(tunnel.url);

/** Writes the time once a second, no faster than it is read, until it can no longer be written. */
async function tellTime(events: WritableStream<string>): Promise<void> {
  const writer = events.getWriter();
  for (;;) {
    await writer.write(`event: time\ndata: ${new Date().toISOString()}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
