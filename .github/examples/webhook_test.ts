// A test that receives a webhook of GitHub, with a server of its own: nothing outside of this machine takes part.
import { serve } from "@tunnel/tunnel";
import { TunnelServer } from "@tunnel/tunnel/server";
import { assertEquals } from "@std/assert";
import { createHmac, timingSafeEqual } from "node:crypto";

const SECRET = "the secret that is set at GitHub";

Deno.test("a push is taken when its signature is right, and refused when it is not", async () => {
  const pushes: string[] = [];
  await using server = new TunnelServer({ port: 0, hostname: "127.0.0.1", fixed: true });
  await using tunnel = await serve({ server: server.url }, async (request) => {
    const body = await request.text();
    if (!isSigned(body, request.headers.get("x-hub-signature-256"))) {
      return new Response(null, { status: 401 });
    }
    if (request.headers.get("x-github-event") === "push") pushes.push(JSON.parse(body).ref);
    return new Response(null, { status: 204 });
  });
  assertEquals(await deliver(tunnel.url, '{"ref":"refs/heads/main"}'), 204);
  assertEquals(await deliver(tunnel.url, '{"ref":"refs/heads/evil"}', "another secret"), 401);
  assertEquals(pushes, ["refs/heads/main"]);
});

/** Does what GitHub does when something was pushed. */
async function deliver(url: string, body: string, secret = SECRET): Promise<number> {
  const headers = { "x-github-event": "push", "x-hub-signature-256": signatureOf(body, secret) };
  const response = await fetch(url, { method: "POST", headers, body });
  await response.body?.cancel();
  return response.status;
}

function isSigned(body: string, signature: string | null): boolean {
  const given = new TextEncoder().encode(signature ?? "");
  const expected = new TextEncoder().encode(signatureOf(body, SECRET));
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}
