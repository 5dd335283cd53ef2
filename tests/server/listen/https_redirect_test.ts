import { assertEquals } from "@std/assert";
import {
  HTTPSRedirect,
  type HTTPSRedirectOptions,
} from "../../../lib/server/listen/https_redirect.ts";
import { Listening, SILENT } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";

const DOMAIN = "tunnel.example.com";

Deno.test("HTTPSRedirect sends a visitor to the same place with TLS, at the port of the server's URL", async () => {
  for (
    const [url, port] of [[`https://${DOMAIN}`, ""], [`https://${DOMAIN}:8443`, ":8443"]] as const
  ) {
    await using listening = listen({ url });
    for (
      const [host, target, location] of [
        [DOMAIN, "/", `https://${DOMAIN}${port}/`],
        [`A.${DOMAIN}:80`, "/a//b?c=%0d#", `https://a.${DOMAIN}${port}/a//b?c=%0d#`],
        [`a.${DOMAIN}.`, "http://other.example/x", `https://a.${DOMAIN}${port}/x`],
      ] as const
    ) {
      const answer = await visit(listening, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assertEquals([answer.status, answer.head.get("location")?.replace(/#$/, "")], [
        308,
        location.replace(/#$/, ""),
      ]);
    }
  }
});

Deno.test("HTTPSRedirect leads nobody to a host that is not the server's", async () => {
  await using listening = listen();
  for (
    const host of ["example.com", `${DOMAIN}.evil`, `evil${DOMAIN}`, "127.0.0.1", `${DOMAIN}@evil`]
  ) {
    const { status, head } = await visit(listening, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assertEquals([status === 308, head.get("location")], [false, null], host);
  }
});

Deno.test("HTTPSRedirect keeps a POST a POST, and drops its body", async () => {
  await using listening = listen();
  const { status } = await visit(
    listening,
    `POST /a HTTP/1.1\r\nHost: ${DOMAIN}\r\nContent-Length: 4\r\n\r\nbody`,
  );
  assertEquals(status, 308);
});

Deno.test("HTTPSRedirect shows a proof at its target, whatever the host, and nothing beside it", async () => {
  const target = "/.well-known/acme-challenge/token";
  await using listening = listen({
    domain: null,
    proofAt: (asked) => asked === target ? "token.thumbprint" : null,
  });
  const shown = await visit(listening, `GET ${target} HTTP/1.1\r\nHost: any.example\r\n\r\n`);
  assertEquals([shown.status, shown.text], [200, "token.thumbprint"]);
  for (const other of [`${target}x`, `${target}/..`, "/.well-known/acme-challenge/"]) {
    const { status } = await visit(listening, `GET ${other} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    assertEquals(status, 308);
  }
});

function listen(options: Partial<HTTPSRedirectOptions> = {}): Listening {
  const redirect = new HTTPSRedirect({
    url: `https://${DOMAIN}`,
    domain: DOMAIN,
    proofAt: () => null,
    log: SILENT,
    ...options,
  });
  return new Listening((visit) => redirect.handle(visit));
}

async function visit(listening: Listening, request: string) {
  using visitor = await RawHTTP.open(listening.port);
  return await visitor.exchange(request);
}
