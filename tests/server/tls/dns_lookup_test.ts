import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { recordsAdvice } from "../../../lib/server/tls/dns_answers.ts";
import { DNSLookup, type Resolver } from "../../../lib/server/tls/dns_lookup.ts";
import { DNSResponder } from "../../../lib/server/tls/dns_responder.ts";
import { eventually } from "../../testing/eventually.ts";
import { freePort } from "../../testing/free_port.ts";
import { SILENT } from "../../testing/listening.ts";

const DOMAIN = "tunnel.example.com";
const NAME = `_acme-challenge.${DOMAIN}`;
const { signal } = new AbortController();

Deno.test("DNSLookup.seen says which record to set when nothing is there, and waits until it is", async () => {
  // A parent that knows of no such name.
  const responder = new DNSResponder({
    hostname: "127.0.0.1",
    port: 0,
    name: DOMAIN,
    log: SILENT,
  });
  try {
    const stopping = new AbortController();
    const { lookup, lines } = lookUp({ ipAddr: "127.0.0.1", port: responder.port });
    const seen = lookup.seen(NAME, ["text"], stopping.signal);
    await eventually("the advice", () => lines.length === 1);
    assertMatch(lines[0] ?? "", /Set this DNS record where tunnel\.example\.com is managed: /);
    assertMatch(lines[0] ?? "", /: _acme-challenge\.tunnel\.example\.com NS tunnel\.example\.com /);
    stopping.abort();
    await assertRejects(() => seen, DOMException);
  } finally {
    responder.close();
  }
});

Deno.test("DNSLookup.seen is over as soon as all texts are there, and at once where nobody is to be asked", async () => {
  const port = freePort();
  const responder = new DNSResponder({ hostname: "127.0.0.1", port, name: NAME, log: SILENT });
  try {
    responder.add("one");
    responder.add("two");
    const { lookup, lines } = lookUp({ ipAddr: "127.0.0.1", port });
    await lookup.seen(NAME, ["one", "two"], signal);
    await lookUp("off").lookup.seen(NAME, ["three"], signal);
    assertEquals(lines, []);
  } finally {
    responder.close();
  }
});

function lookUp(resolver: Resolver) {
  const lines: string[] = [];
  const log = new Log({ format: "text", level: "info", write: (line) => lines.push(line) });
  return { lookup: new DNSLookup({ resolver, advice: recordsAdvice(DOMAIN), log }), lines };
}
