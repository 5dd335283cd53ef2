// A user of the package for npm: the test compiles this beside it, as strictly as TypeScript can.
import { forward, serve, type Tunnel, type TunnelOptions } from "@tunnel/tunnel";
import { tunnel } from "@tunnel/tunnel/vite";

const server = "https://tunnel.example.com";
const options: TunnelOptions = { server, label: "a", basicAuth: { user: "a", password: "b" } };

export async function publish(): Promise<void> {
  const published: Tunnel = await serve(options, (request, { remoteAddr, tunnel }) => {
    return Response.json([request.url, remoteAddr.hostname, tunnel.id]);
  });
  published.addEventListener("online", ({ url }) => console.log(url));
  for await (const event of published) {
    if (event.type === "online") break;
  }
  await using other = await forward({ ...options, hostHeader: "rewrite", cors: "*" }, 3000);
  await forward({ server, spa: true, rateLimit: "5/m" }, { "/api": 4000, "/": "./dist" });
  console.log(other.url, tunnel({ server }).name);
}

export async function mistakes(): Promise<void> {
  // @ts-expect-error a server is needed
  await serve({}, () => new Response());
  // @ts-expect-error no option is called so
  await serve({ server, lable: "a" }, () => new Response());
  // @ts-expect-error not an answer
  await serve({ server }, () => "hello");
  // @ts-expect-error not a service
  await forward({ server }, { port: 3000 });
  // @ts-expect-error Vite says when it ends
  tunnel({ server, signal: new AbortController().signal });
}
