import { asking } from "../../testing/asking.ts";
import { OwnRates } from "../../../lib/server/access/own_rates.ts";
import { assert, assertEquals } from "@std/assert";
import { RequestPolicy } from "../../../lib/server/access/request_policy.ts";
import type { ClientUpstream } from "../../../lib/server/tunnels/client_upstream.ts";
import { GuessQueue } from "../../../lib/server/access/guess_queue.ts";
import { VisitorQuotas } from "../../../lib/server/access/visitor_quotas.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import { OPEN_POLICY, type VisitorPolicy } from "../../../lib/identity/visitor_policy.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import type { Field } from "../../../lib/http/fields.ts";
import { decodeRequestHead } from "../../../lib/wire/head.ts";
import type { Session } from "../../../lib/mux/session.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { passwordHash } from "../../testing/password.ts";
import { SessionAndPeer } from "../../testing/session_fixture.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const HOST = "a.test";

const FIELDS: readonly Field[] = [["host", HOST], ["authorization", "Basic x"], ["x-other", "y"]];

const OPENING = {
  kind: "http",
  head: { method: "GET", target: "/", fields: FIELDS },
  hasBody: false,
  visitor: "192.0.2.1",
} as const;

Deno.test("ClientUpstream.admit lets everything in where its owner has no policy", () => {
  using near = new SessionAndPeer("server");
  assertEquals(upstreamOf(near.session, { hostname: HOST }).admit(asking()), null);
});

Deno.test("ClientUpstream.open keeps the tunnel's own password from the origin, and no other field", async () => {
  using near = new SessionAndPeer("server");
  const basicAuth = [await passwordHash("ann", "secret")];
  const guarded = guardedUpstream(near.session, { ...OPEN_POLICY, basicAuth });
  assertEquals(await fieldsOf(guarded, near), [["host", HOST], ["x-other", "y"]]);
});

Deno.test("ClientUpstream.open passes Authorization on where the tunnel asks for no password", async () => {
  using near = new SessionAndPeer("server");
  const allowIp = ["192.0.2.0/24"];
  assertEquals(
    await fieldsOf(guardedUpstream(near.session, { ...OPEN_POLICY, allowIp }), near),
    FIELDS,
  );
  assertEquals(await fieldsOf(upstreamOf(near.session, { hostname: HOST }), near), FIELDS);
});

Deno.test("ClientUpstream.open counts a stream for its visitor until it is over, however it ends", () => {
  using near = new SessionAndPeer("server");
  const visitors = new VisitorQuotas(2, 1);
  const upstream = guardedUpstream(near.session, OPEN_POLICY, visitors);
  for (let i = 0; i < 2; i++) {
    assert(visitors.hasRoom("a", "192.0.2.1"));
    const { stream, response } = upstream.open(OPENING);
    response.catch(() => {});
    assert(!visitors.hasRoom("a", "192.0.2.1"));
    assert(visitors.hasRoom("a", "192.0.2.2") && visitors.hasRoom("b", "192.0.2.1"));
    stream.reset(0);
    stream.reset(0);
  }
  assert(visitors.hasRoom("a", "192.0.2.1"));
});

function guardedUpstream(
  session: Session,
  policy: VisitorPolicy,
  visitors = new VisitorQuotas(10, null),
): ClientUpstream {
  const { limited } = new ServerMetrics(roomyRegistry());
  const requestPolicy = new RequestPolicy({
    id: "a",
    owner: "192.0.2.9",
    policy,
    requests: null,
    ownRates: new OwnRates({ most: 10 }),
    isOwnHost: () => true,
    isSecure: true,
    streams: 10,
    visitors,
    guesses: new GuessQueue(),
    limited,
    load: () => 0,
  });
  return upstreamOf(session, { hostname: HOST, requestPolicy });
}

/** Opens a stream and returns the fields that its client gets. */
async function fieldsOf(
  upstream: ClientUpstream,
  { peer }: SessionAndPeer,
): Promise<readonly Field[]> {
  upstream.open(OPENING).response.catch(() => {});
  const { payload } = await peer.skipTo(FrameType.HTTPRequest);
  // The answer's window comes before the head.
  return decodeRequestHead(payload.subarray(4)).fields;
}
