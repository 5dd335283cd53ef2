import { serve } from "../../lib/mod.ts";
import { Pattern } from "../testing/pattern.ts";

/** Bytes of the long answer. */
const LENGTH = 1024 * 1024 * 1024;

const pattern = new Pattern();

// A program of its own, whose memory a test can look at: it counts uploads, and gives short answers and a long one.
const tunnel = await serve({ server: Deno.env.get("TUNNEL_SERVER") ?? "" }, async (request) => {
  if (request.method === "PUT") return new Response(String(await lengthOf(request)));
  return request.url.endsWith("/long") ? longAnswer() : new Response("ok");
});
console.log(tunnel.url);

async function lengthOf({ body }: Request): Promise<number> {
  let length = 0;
  for await (const piece of body ?? []) {
    if (!pattern.matches(length, piece)) throw new Error(`the upload is wrong at ${length}`);
    length += piece.length;
  }
  return length;
}

function longAnswer(): Response {
  let at = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at === LENGTH) return controller.close();
      const piece = pattern.at(at, LENGTH - at).slice();
      at += piece.length;
      controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-length": `${LENGTH}` } });
}
