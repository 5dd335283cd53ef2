import { assertEquals } from "@std/assert";
import { ASK_PATH, isServed } from "../../../lib/server/admin/ask.ts";
import { Router } from "../../../lib/server/router.ts";
import { MemorySocket } from "../../testing/memory_socket.ts";
import { upstreamOf } from "../../testing/client_upstreams.ts";
import { SessionFixture } from "../../testing/session_fixture.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";

const DOMAIN = "tunnel.example";
const HERE = `${"a".repeat(52)}.${DOMAIN}`;
const AWAY = `${"b".repeat(52)}.${DOMAIN}`;
const STRANGE = `${"c".repeat(52)}.${DOMAIN}`;

Deno.test("isServed knows the server's own hosts and the tunnels, also one whose client is away", () => {
  using asked = new Asked();
  for (const host of [DOMAIN, "www.tunnel.example", HERE, AWAY]) {
    assertEquals(asked.has(host), true);
  }
});

Deno.test("isServed takes a host in any case and with a trailing dot", () => {
  using asked = new Asked();
  assertEquals(asked.has(HERE.toUpperCase()), true);
  assertEquals(asked.has(`${HERE}.`), true);
});

Deno.test("isServed knows no tunnel that was never here, no name below one and no other domain", () => {
  using asked = new Asked();
  for (const host of [STRANGE, `www.${HERE}`, "example", "other.example", `${DOMAIN}.other`]) {
    assertEquals(asked.has(host), false, host);
  }
});

Deno.test("isServed refuses all but host names: addresses, ports, wildcards, rubbish, nothing", () => {
  using asked = new Asked();
  for (const host of ["127.0.0.1", "[::1]", `${HERE}:443`, `*.${DOMAIN}`, "a/b", "a b", ""]) {
    assertEquals(asked.has(host), false, host);
  }
  assertEquals(asked.at(ASK_PATH), false);
  assertEquals(asked.at(`${ASK_PATH}?host=${HERE}`), false);
  assertEquals(asked.at(`${ASK_PATH}?domain=%zz`), false);
});

Deno.test("isServed does not look for a host in a target of more than 1,024 characters", () => {
  using asked = new Asked();
  const after = (fields: number) => `${ASK_PATH}?${"a&".repeat(fields)}domain=${HERE}`;
  assertEquals(asked.at(after(400)), true);
  assertEquals(asked.at(after(500)), false);
});

/** A server with one tunnel that is here and one whose client has left. */
class Asked implements Disposable {
  readonly #session = new SessionFixture("server", MemorySocket.pair()[0]);
  readonly #registry = roomyRegistry();
  readonly #router = new Router({
    domain: DOMAIN,
    publicUrl: "https://www.tunnel.example",
    fixed: false,
  });

  constructor() {
    const { session } = this.#session;
    const away = upstreamOf(session, { hostname: AWAY, thumbprint: "another key" });
    this.#registry.add(upstreamOf(session, { hostname: HERE, thumbprint: "one key" }));
    this.#registry.add(away);
    this.#registry.remove(away);
  }

  has(host: string): boolean | Promise<boolean> {
    return this.at(`${ASK_PATH}?domain=${encodeURIComponent(host)}`);
  }

  at(target: string): boolean | Promise<boolean> {
    const options = { router: this.#router, registry: this.#registry, elsewhere: null };
    return isServed(target, options);
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }
}
