import { assert, assertEquals } from "@std/assert";
import { answerQuery, type Zone } from "../../lib/server/tls/dns_message.ts";
import { DNSResponder } from "../../lib/server/tls/dns_responder.ts";
import { QUERY_ID, readAnswer, writeQuery } from "../server/tls/dns_query.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { SILENT } from "../testing/listening.ts";
import { within } from "../testing/within.ts";
import { fuzz } from "./fuzz.ts";
import { mutated } from "./mutated.ts";

const NAME = "_acme-challenge.tunnel.example.com";
const ZONE: Zone = { name: NAME, texts: new Set(["one", "two"]) };

/** Bytes of the longest answer over UDP (RFC 1035 section 4.2.1). */
const MOST = 512;

fuzz(
  "No packet makes answerQuery throw, answer an answer, or say more than a resolver can read",
  (random) => {
    const packet = packetOf(random);
    const answer = answerQuery(packet, ZONE, { most: MOST, isCut: random.oneIn(4) });
    const isAnswer = ((packet[2] ?? 0) & 0x80) !== 0;
    if (answer === null) return;
    assert(!isAnswer && answer.length <= MOST);
    assertEquals(answer.slice(0, 2), packet.slice(0, 2));
    // The reader checks the identifier too.
    answer.set([QUERY_ID >> 8, QUERY_ID & 0xff]);
    const { answers, authorities, code, question } = readAnswer(answer);
    const isOurs = question.toLowerCase().endsWith(NAME);
    assert(isOurs || answers.length + authorities.length === 0, question);
    assert(code === 0 || answers.length === 0);
  },
);

fuzz("A responder that was sent any packets answers the next query", async (random) => {
  const responder = new DNSResponder({ hostname: "127.0.0.1", port: 0, name: NAME, log: SILENT });
  try {
    responder.add("one");
    const { port } = responder;
    using owned = new DisposableStack();
    const listening = { transport: "udp", hostname: "127.0.0.1", port: 0 } as const;
    const socket = owned.adopt(Deno.listenDatagram(listening), (socket) => socket.close());
    for (let i = random.integer(1, 10); i > 0; i--) {
      const packet = packetOf(random);
      await socket.send(packet, { ...listening, port });
      const connection = owned.use(await Deno.connect({ hostname: "127.0.0.1", port }));
      await connection.write(random.oneIn(2) ? packet : framed(packet)).catch(() => {});
      if (random.oneIn(2)) await connection.closeWrite().catch(() => {});
    }
    owned.dispose();
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(framed(writeQuery({ name: NAME })));
    const buffer = new Uint8Array(MOST);
    const count = await within(connection.read(buffer), "an answer");
    assert(count !== null && count > 2);
  } finally {
    responder.close();
  }
});

function packetOf(random: SeededRandom): Uint8Array<ArrayBuffer> {
  if (random.oneIn(5)) return random.bytes(random.integer(0, 600));
  const query = writeQuery({
    name: random.pick([NAME, `a.${NAME}`, NAME.toUpperCase(), "example.com", "com"]),
    type: random.pick([16, 2, 6, 1, 255, random.integer(0, 0xffff)]),
    class: random.pick([1, 1, 1, 3, 255]),
    flags: random.pick([0, 0x0100, 0x0110, 0x2800, 0x8000]),
    ...(random.oneIn(2) ? { edns: random.pick([0, 0, 1, 255]) } : {}),
  });
  return random.oneIn(4) ? query : mutated(random, query);
}

function framed(message: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(message.length >> 8, message.length & 0xff, ...message);
}
