import { serve } from "../../../lib/mod.ts";

/** What the origin of the other peers answers. */
const SMALL = new TextEncoder().encode("Hello, world\n");

/** Publishes a handler at the server whose URL is given, and prints where. */
const [server = ""] = Deno.args;
const tunnel = await serve({ server }, () => new Response(SMALL));
console.log(tunnel.url);
