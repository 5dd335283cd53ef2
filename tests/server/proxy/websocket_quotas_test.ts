import { assertEquals } from "@std/assert";
import { WebSocketQuotas } from "../../../lib/server/proxy/websocket_quotas.ts";

const LIMITS = { maxWebsockets: 3, maxTunnelWebsockets: 2, maxVisitorWebsockets: 1 };

const ONE = { address: "192.0.2.1", tunnel: "a.test" };
const OTHER = { address: "192.0.2.2", tunnel: "a.test" };
const THIRD = { address: "192.0.2.3", tunnel: "b.test" };

Deno.test("WebSocketQuotas lets each visitor, each tunnel and all have so many, until they leave", () => {
  const quotas = new WebSocketQuotas(LIMITS);
  const leave = quotas.enter(ONE);
  assertEquals(quotas.refusal({ ...ONE, tunnel: "b.test" })?.status, 429);
  quotas.enter(OTHER);
  assertEquals(quotas.refusal({ ...THIRD, tunnel: "a.test" })?.status, 503, "of the tunnel");
  assertEquals(quotas.refusal(THIRD), null);
  quotas.enter(THIRD);
  assertEquals(quotas.refusal({ address: "192.0.2.4", tunnel: "c.test" })?.status, 503, "of all");
  assertEquals(quotas.count, 3);
  leave();
  assertEquals([quotas.count, quotas.refusal(ONE)], [2, null]);
});

Deno.test("WebSocketQuotas counts the addresses of an IPv6 network together", () => {
  const quotas = new WebSocketQuotas(LIMITS);
  quotas.enter({ address: "2001:db8::1", tunnel: "a.test" });
  assertEquals(quotas.refusal({ address: "2001:db8::2", tunnel: "b.test" })?.status, 429);
  assertEquals(quotas.refusal({ address: "2001:db8:0:1::2", tunnel: "b.test" }), null);
});

Deno.test("WebSocketQuotas uncounts a WebSocket once, however often it is told that it left", () => {
  const quotas = new WebSocketQuotas(LIMITS);
  const leave = quotas.enter(ONE);
  quotas.enter(OTHER);
  for (let i = 0; i < 3; i++) leave();
  assertEquals(quotas.count, 1);
});
