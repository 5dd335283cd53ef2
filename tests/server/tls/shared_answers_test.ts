import { assertEquals } from "@std/assert";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { SILENT } from "../../testing/listening.ts";
import { MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { SealedTexts } from "../../../lib/server/bus/sealed_texts.ts";
import { DNSResponder } from "../../../lib/server/tls/dns_responder.ts";
import { HTTPAnswers } from "../../../lib/server/tls/http_answers.ts";
import { SharedAnswers, sharedProofs } from "../../../lib/server/tls/shared_answers.ts";

const DOMAIN = "tunnel.example.com";
const NAME = `_acme-challenge.${DOMAIN}`;

const PROOFS = ["one", "two"].map((text) => ({
  name: DOMAIN,
  token: `token-${text}`,
  keyAuthorization: `token-${text}.thumbprint`,
  text,
}));

Deno.test("SharedAnswers are shown by every node, over DNS and HTTP, until they are hidden", async () => {
  const bus = new FlakyBus(new MemoryBus());
  const texts = await SealedTexts.make({ bus, secret: "the same at every node", domain: DOMAIN });
  const elsewhere = () => sharedProofs(texts);
  const answers = new SharedAnswers(new HTTPAnswers({ domain: DOMAIN }), texts);
  const overHTTP = new HTTPAnswers({ domain: DOMAIN, elsewhere });
  const responder = new DNSResponder({
    hostname: "127.0.0.1",
    port: 0,
    name: NAME,
    elsewhere: async () => (await elsewhere()).map(({ text }) => text),
    log: SILENT,
  });
  try {
    const nameServer = { ipAddr: "127.0.0.1", port: responder.port };
    const overDNS = async () => (await Deno.resolveDns(`${NAME}.`, "TXT", { nameServer })).flat();
    for (const proof of PROOFS) await answers.show(proof);
    assertEquals(await overDNS(), ["one", "two"]);
    const target = "/.well-known/acme-challenge/token-one";
    assertEquals(await overHTTP.find(target), "token-one.thumbprint");
    assertEquals(await overHTTP.find(`${target}x`), null);
    assertEquals(overHTTP.find("/"), null, "the bus is not asked for other targets");
    responder.add("own");
    bus.set(false);
    assertEquals([await overDNS(), await overHTTP.find(target)], [["own"], null], "it is away");
    bus.set(true);
    responder.remove("own");
    const [first] = PROOFS;
    if (first !== undefined) await answers.hide(first);
    assertEquals([await overDNS(), await overHTTP.find(target)], [["two"], null]);
  } finally {
    responder.close();
  }
});
