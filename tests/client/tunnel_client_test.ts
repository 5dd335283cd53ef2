import { assertEquals, assertNotEquals } from "@std/assert";
import { TunnelClient } from "../../lib/client/tunnel_client.ts";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { freePorts } from "../testing/front_proxy.ts";
import { within } from "../testing/within.ts";

/** Attempts of the client in vain, of which one is told. */
const ATTEMPTS = 3;

Deno.test("TunnelClient tells why a server is offline, and each other reason that it learns since, once", async () => {
  const { server: port } = freePorts();
  const told: { readonly event: string; readonly reason: string }[] = [];
  const first = Promise.withResolvers<void>();
  const client = new TunnelClient({
    service: { serve: () => Promise.resolve(), close() {} },
    ...{ connections: 1, label: "", name: null },
    ...{ token: null, policy: OPEN_POLICY, key: await newSigningKey(), once: false },
    servers: [`http://127.0.0.1:${port}`],
  }, {
    onOnline() {},
    onOffline(_server, reason) {
      told.push({ event: "offline", reason });
      first.resolve();
    },
    onStillOffline: (_server, reason) => told.push({ event: "still", reason }),
  });
  const run = client.run();
  try {
    await within(first.promise, "the first reason");
    const asked = Promise.withResolvers<void>();
    let attempts = 0;
    await using _other = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, () => {
      if (++attempts === ATTEMPTS) asked.resolve();
      return new Response("no tunnels here\n", { status: 404 });
    });
    await within(asked.promise, "attempts in vain");
    assertEquals(told.map(({ event }) => event), ["offline", "still"]);
    assertNotEquals(told[0]?.reason, told[1]?.reason);
  } finally {
    client.close();
    await run;
  }
});
