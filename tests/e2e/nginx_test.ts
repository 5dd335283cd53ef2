import { assertEquals, assertMatch } from "@std/assert";
import { BehindProxy, checkBehindProxy } from "../testing/behind_proxy.ts";
import { isInstalled } from "../testing/front_proxy.ts";
import { nginxIn } from "../testing/nginx.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";

const ignore = !isInstalled("nginx");

Deno.test("Behind nginx, with a wildcard certificate", { ignore }, async (t) => {
  await using folder = await TempDir.make();
  await using behind = await BehindProxy.start(nginxIn(folder.path));
  await checkBehindProxy(t, behind, { isDuplex: true });
});

Deno.test(
  "A service behind a tunnel cannot steer nginx with X-Accel fields",
  { ignore },
  async () => {
    await using folder = await TempDir.make();
    await using behind = await BehindProxy.start(nginxIn(folder.path));
    await using origin = ScriptedOrigin.answering(
      "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /elsewhere\r\nContent-Length: 2\r\n\r\nok",
    );
    await using tunnel = await behind.publish(origin);
    using visitor = await behind.open(tunnel.url.hostname);
    assertEquals((await visitor.exchange(tunnel.write("/"))).text, "ok");
    assertEquals(origin.requestCount, 1);
  },
);

Deno.test("Behind nginx an unknown tunnel is explained by tunnel-server", { ignore }, async () => {
  await using folder = await TempDir.make();
  await using behind = await BehindProxy.start(nginxIn(folder.path));
  const host = `${"a".repeat(52)}.tunnel.localhost`;
  using visitor = await behind.open(host);
  const response = await visitor.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assertEquals(response.status, 404);
  assertMatch(response.text, /tunnel/);
});
