import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { RenewableCertificate } from "../testing/renewable_certificate.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test({
  name:
    "SIGHUP makes the server read its certificate again, and the tunnel comes back under its URL",
  // Windows has no SIGHUP.
  ignore: Deno.build.os === "windows",
}, async (t) => {
  await using certificate = await RenewableCertificate.make();
  const { first, renewed } = certificate;
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer([
    ...[...certificate.serverArgs, "--log-format", "text"],
  ]);
  await using client = await Program.start("client.ts", [
    ...["--server", `https://127.0.0.1:${server.url.port}`],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ], { env: certificate.trusting });
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());

  await t.step("a file that is no certificate changes nothing", async () => {
    await Deno.writeTextFile(certificate.file, "no certificate\n");
    server.signal("SIGHUP");
    await server.stderr.find(/the old certificate stays/);
    assertEquals(await statusTrusting(first, tunnel), 200);
  });
  await t.step("a new one is used, and no other", async () => {
    await certificate.renew();
    server.signal("SIGHUP");
    await eventually(
      "the tunnel with the new certificate",
      async () => await statusTrusting(renewed, tunnel) === 200,
    );
    await assertRejects(() => statusTrusting(first, tunnel));
    assertEquals(client.stdout.all.length, 1, "the URL is still the one that was printed");
  });
});

Deno.test({
  name: "With --reuse-port and --client-port a renewal refuses nobody, and no client is ever away",
  // Elsewhere the system does not spread connections over sockets that share a port.
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using certificate = await RenewableCertificate.make();
  const { first, renewed } = certificate;
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer([
    ...[...certificate.serverArgs, "--log-format", "json"],
    ...["--reuse-port", "--client-port", "0"],
  ]);
  const found = await within(server.stderr.find(/a port of their own.*?"port":(\d+)/), "the port");
  await using client = await Program.start("client.ts", [
    ...["--server", `https://127.0.0.1:${found?.[1]}`],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ], { env: certificate.trusting });
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());

  await certificate.renew();
  let isRenewed = false;
  const renewal = server.stderr.find(/certificate was read again/).then(() => isRenewed = true);
  server.signal("SIGHUP");
  const requests = [tunnel.write("/"), tunnel.write("/readyz", { host: server.url.host })];
  let visitor = await visitTrusting(first + renewed, tunnel);
  while (!isRenewed) {
    for (const request of requests) {
      const { status, head } = await visitor.exchange(request).catch(async () => {
        // A kept connection may end while the request is on its way, which is sent once more then (RFC 9112 section 9.3.1).
        visitor.close();
        visitor = await visitTrusting(first + renewed, tunnel);
        return await visitor.exchange(request);
      });
      assertEquals(status, 200);
      if (head.get("connection") !== "close") continue;
      visitor.close();
      visitor = await visitTrusting(first + renewed, tunnel);
    }
  }
  visitor.close();
  await within(renewal, "the end of the renewal");
  assertEquals(await statusTrusting(renewed, tunnel), 200);
  await assertRejects(() => statusTrusting(first, tunnel));
  assertEquals(client.stderr.all.filter((line) => line.includes("not connected")), []);
});

/** Connects as a visitor that trusts these certificates. */
function visitTrusting(certificates: string, tunnel: Tunnel): Promise<RawHTTP> {
  return RawHTTP.openTLS(Number(tunnel.server.url.port), certificates);
}

async function statusTrusting(certificate: string, tunnel: Tunnel): Promise<number> {
  using visitor = await visitTrusting(certificate, tunnel);
  return (await visitor.exchange(tunnel.write("/"))).status;
}
