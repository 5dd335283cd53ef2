// A service with a page for health, which lets its requests finish when it is told to stop.
import { serve } from "@tunnel/tunnel";

const server = Deno.env.get("TUNNEL_SERVER") ?? "http://localhost:6519";
const tunnel = await serve({ server }, (request, { tunnel }) => {
  switch (new URL(request.url).pathname) {
    case "/health":
      return Response.json({ state: tunnel.state, urls: tunnel.urls });
    case "/slow":
      return new Response(ReadableStream.from(slowly()).pipeThrough(new TextEncoderStream()));
    default:
      return new Response(null, { status: 404 });
  }
});
console.log(tunnel.url);

Deno.addSignalListener("SIGTERM", async () => {
  console.error("stopping: requests in flight may finish");
  await tunnel.close();
  Deno.exit(0);
});

tunnel.addEventListener("offline", ({ server, reason }) => {
  console.error(`not connected to ${server}: ${reason}`);
});
tunnel.addEventListener("error", ({ error }) => console.error("the handler failed:", error));

async function* slowly(): AsyncGenerator<string> {
  yield "it takes ";
  await new Promise((resolve) => setTimeout(resolve, 500));
  yield "a while\n";
}
