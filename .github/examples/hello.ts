// Publishes a page. The address stays the same while the key file does.
import { serve } from "@tunnel/tunnel";

const server = Deno.env.get("TUNNEL_SERVER") ?? "http://localhost:6519";
const key = Deno.env.get("TUNNEL_KEY") ?? "hello.pem";
const tunnel = await serve({ server, key }, (request, { remoteAddr }) => {
  const { pathname } = new URL(request.url);
  return new Response(`Hello, ${remoteAddr.hostname}: you asked for ${pathname}\n`);
});
console.log(tunnel.url);
