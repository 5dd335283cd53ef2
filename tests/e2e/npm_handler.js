// Publishes a handler with the package for npm; the test copies this beside it and runs it on Node and on Bun.
import { createHash } from "node:crypto";
import process from "node:process";
import { serve } from "@tunnel/tunnel";

const tunnel = await serve({ server: process.argv[2], key: "key.pem", connections: 1 }, answer);
console.log(tunnel.url);
tunnel.addEventListener("online", () => console.error("online again"));
process.once("SIGTERM", async () => {
  await tunnel.close();
  process.exit(0);
});

async function answer(request, info) {
  switch (new URL(request.url).pathname) {
    case "/upload": {
      const hash = createHash("sha256");
      for await (const piece of request.body) hash.update(piece);
      return new Response(hash.digest("hex"));
    }
    case "/pieces":
      return new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
          cancel: () => console.error("cancelled"),
        }),
      );
    case "/socket": {
      const { socket, response } = info.upgrade();
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    }
    case "/wait":
      return await new Promise((resolve) => {
        request.signal.addEventListener("abort", () => {
          console.error("the visitor left");
          resolve(new Response("too late"));
        });
        setTimeout(collect);
      });
    case "/blob":
      return new Response(new Blob(["body {}"], { type: "text/css" }));
    case "/throw":
      throw new Error("on purpose");
    default:
      return new Response(`hello, ${info.remoteAddr.hostname}`);
  }
}

/** Stands outside of the handler: what sees the request would keep it. */
function collect() {
  globalThis.gc();
  console.error("waiting");
}
