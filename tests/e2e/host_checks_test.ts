import { assertEquals, assertStringIncludes } from "@std/assert";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

/**
 * What these programs answered to a host or an origin that they did not know, byte for byte: Vite 8.3, webpack-dev-server
 * 5.2, Django 5.2 in debug (the first 4.8 KiB of a page of 60, and its page for a form), Rails 7.2 in development and
 * S3Proxy 2.6, which was sent a wrong signature. Astro 7.3, built, refused a form.
 */
const ANSWERS = {
  vite: { status: 403, says: "Blocked request", setting: "server.allowedHosts" },
  webpack_dev_server: { status: 403, says: "Invalid Host", setting: "devServer.allowedHosts" },
  astro: { status: 403, says: "Cross-site POST", setting: "security.allowedDomains" },
  django: { status: 400, says: "Invalid HTTP_HOST header", setting: "ALLOWED_HOSTS" },
  django_csrf: { status: 403, says: "CSRF verification", setting: "CSRF_TRUSTED_ORIGINS" },
  rails: { status: 403, says: "Blocked hosts", setting: "config.hosts" },
  s3: {
    status: 403,
    says: "SignatureDoesNotMatch",
    setting: "without --host-header",
    clientArgs: ["--host-header", "rewrite"],
  },
} satisfies Record<string, Answer>;

interface Answer {
  readonly status: number;
  /** What the visitor reads. */
  readonly says: string;
  /** What the owner reads that it takes. */
  readonly setting: string;
  readonly clientArgs?: readonly string[];
}

const FOLDER = new URL("../testdata/host_checks/", import.meta.url);

for (const [program, answer] of Object.entries<Answer>(ANSWERS)) {
  Deno.test(`The owner's terminal names the setting once when ${program} refuses the host`, async () => {
    const bytes = await Deno.readFile(new URL(`${program}.http`, FOLDER));
    await using origin = ScriptedOrigin.start(async (exchange) => {
      if (exchange.target !== "/") return await exchange.answer(NOT_FOUND);
      await exchange.write(bytes);
      exchange.close();
    });
    await using tunnel = await startTunnel({ origin, clientArgs: answer.clientArgs ?? [] });
    for (let i = 0; i < 3; i++) {
      const { status, text } = await tunnel.request("/");
      assertEquals(status, answer.status);
      assertStringIncludes(text, answer.says);
    }
    assertEquals((await tunnel.request("/other")).status, 404);
    await tunnel.client.stop("SIGTERM");
    await within(tunnel.client.stderr.ended, "the end of what the client prints");
    const warnings = tunnel.client.stderr.all.filter((line) => line.includes("warning: "));
    assertEquals(warnings.length, 1, `${tunnel.client.stderr}`);
    assertStringIncludes(warnings[0] ?? "", answer.setting);
    if (program !== "s3") assertStringIncludes(warnings[0] ?? "", tunnel.url.hostname);
  });
}

const NOT_FOUND = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
