/**
 * Answers every request with an endless body of pieces as long as a tunnel's, and prints its port: what `Deno.serve`
 * itself holds for visitors that do not read.
 */
import { MAX_DATA_LENGTH } from "../../lib/wire/limits.ts";

Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, () => {
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    controller.enqueue(new Uint8Array(MAX_DATA_LENGTH));
  };
  return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
});
