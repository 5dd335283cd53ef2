import { assert, assertEquals } from "@std/assert";
import { answerQuery, MAX_QUERY, type Zone } from "../../../lib/server/tls/dns_message.ts";
import { type DNSAnswer, type DNSQuery, readAnswer, TXT, writeQuery } from "./dns_query.ts";

const DOMAIN = "tunnel.example.com";
const NAME = `_acme-challenge.${DOMAIN}`;
const ZONE: Zone = { name: NAME, texts: new Set(["one", "two"]) };
const UDP = { most: 512 };

/** Codes of RFC 1035 section 4.1.1. */
const [NO_ERROR, FORMAT_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED, REFUSED] = [0, 1, 3, 4, 5];

const [A, NS, SOA, CAA, IXFR, AXFR, ANY] = [1, 2, 6, 257, 251, 252, 255];

function answer(query: DNSQuery, zone = ZONE): DNSAnswer {
  const bytes = answerQuery(writeQuery(query), zone, UDP);
  assert(bytes !== null);
  return readAnswer(bytes);
}

Deno.test("answerQuery gives the texts of its zone, in whatever case it is asked, and repeats the question as it was", () => {
  for (const name of [NAME, "_ACME-challenge.tUnNeL.Example.com"]) {
    const { code, isAuthoritative, isTruncated, question, answers, authorities } = answer({ name });
    assertEquals({ code, isAuthoritative, isTruncated }, {
      code: NO_ERROR,
      isAuthoritative: true,
      isTruncated: false,
    });
    assertEquals(question, name);
    assertEquals(answers, [`${name} TXT one`, `${name} TXT two`]);
    assertEquals(authorities, []);
  }
});

Deno.test("answerQuery names the domain as the zone's server, and says that nothing else is there", () => {
  const soa = `${NAME} SOA ${DOMAIN}`;
  assertEquals(answer({ name: NAME, type: NS }).answers, [`${NAME} NS ${DOMAIN}`]);
  for (const type of [SOA, ANY]) assertEquals(answer({ name: NAME, type }).answers, [soa]);
  for (const type of [A, CAA]) {
    const { code, answers, authorities } = answer({ name: NAME, type });
    assertEquals([code, answers, authorities], [NO_ERROR, [], [soa]]);
  }
  const below = answer({ name: `a.b.${NAME}` });
  assertEquals([below.code, below.answers, below.authorities], [NO_SUCH_NAME, [], [soa]]);
  const none = answer({ name: NAME }, { name: NAME, texts: new Set() });
  assertEquals([none.code, none.answers, none.authorities], [NO_ERROR, [], [soa]]);
});

Deno.test("answerQuery refuses every other name, class and transfer, without a record", () => {
  const others = [
    DOMAIN,
    `a.${DOMAIN}`,
    "example.com",
    "com",
    `x${NAME}`,
    `${NAME}.com`,
    `_acme-challenge.${DOMAIN}.evil`,
  ];
  const refused: readonly DNSQuery[] = [
    ...others.map((name) => ({ name })),
    { name: NAME, class: 3 },
    { name: NAME, class: 255 },
    { name: NAME, type: AXFR },
    { name: NAME, type: IXFR },
  ];
  for (const query of refused) {
    const { code, isAuthoritative, answers, authorities } = answer(query);
    assertEquals([code, isAuthoritative, answers, authorities], [REFUSED, false, [], []]);
  }
});

Deno.test("answerQuery takes no dot within a label for one between two labels", () => {
  const query = writeQuery({ name: `x_acme-challenge.${DOMAIN}` });
  // `x_acme-challenge` becomes the one label `._acme-challenge`.
  query[13] = ".".charCodeAt(0);
  const bytes = answerQuery(query, ZONE, UDP);
  assert(bytes !== null);
  assertEquals(readAnswer(bytes).code, REFUSED);
});

Deno.test("answerQuery repeats an OPT record, and refuses a version of it that is not 0", () => {
  const known = answer({ name: NAME, edns: 0 });
  assertEquals([known.code, known.answers.length, known.additional.length], [NO_ERROR, 2, 1]);
  const bytes = answerQuery(writeQuery({ name: NAME, edns: 1 }), ZONE, UDP);
  assert(bytes !== null);
  // BADVERS is 16, the upper bits of which stand in the record (RFC 6891 section 6.1.3).
  assertEquals([(bytes[3] ?? 0) & 0xf, bytes.at(-6)], [0, 1]);
  assertEquals(readAnswer(bytes).answers, []);
});

Deno.test("answerQuery drops answers and what is too short or too long, and says what it cannot read or do", () => {
  const query = writeQuery({ name: NAME });
  assertEquals(answerQuery(writeQuery({ name: NAME, flags: 0x8100 }), ZONE, UDP), null);
  for (const length of [0, 1, 11]) {
    assertEquals(answerQuery(query.subarray(0, length), ZONE, UDP), null);
  }
  assertEquals(answerQuery(new Uint8Array(MAX_QUERY + 1), ZONE, UDP), null);
  const codeOf = (bytes: Uint8Array) => (answerQuery(bytes, ZONE, UDP)?.[3] ?? 0) & 0xf;
  for (let length = 12; length < query.length; length++) {
    assertEquals(codeOf(query.subarray(0, length)), FORMAT_ERROR, `${length} octets`);
  }
  const pointing = query.slice();
  pointing.set([0xc0, 12], 12);
  assertEquals(codeOf(pointing), FORMAT_ERROR);
  for (const [field, count] of [[5, 0], [5, 2], [7, 1], [9, 1], [11, 1]] as const) {
    const counted = query.slice();
    counted[field] = count;
    assertEquals(codeOf(counted), FORMAT_ERROR, `a count at ${field}`);
  }
  for (const opcode of [1, 2, 4, 5]) {
    assertEquals(codeOf(writeQuery({ name: NAME, flags: opcode << 11 })), NOT_IMPLEMENTED);
  }
});

Deno.test("answerQuery leaves out the records of an answer that does not fit, and when it is told to", () => {
  const query = writeQuery({ name: NAME });
  for (const options of [{ most: 60 }, { most: 512, isCut: true }]) {
    const bytes = answerQuery(query, ZONE, options);
    assert(bytes !== null && bytes.length <= query.length);
    const { isTruncated, answers, code } = readAnswer(bytes);
    assertEquals([isTruncated, answers, code], [true, [], NO_ERROR]);
  }
});

Deno.test("answerQuery answers with four times a query at most, and fits the longest domain into a datagram", () => {
  const proof = "x".repeat(43);
  const texts = new Set(["a", "b"].map((end) => proof.slice(1) + end));
  const domain = `${"d".repeat(63)}.${"e".repeat(63)}.${"f".repeat(63)}.example`;
  for (const name of [NAME, `_acme-challenge.${domain}`]) {
    for (const type of [TXT, NS, SOA, A]) {
      for (const edns of [undefined, 0]) {
        const query = writeQuery({ name, type, ...(edns === undefined ? {} : { edns }) });
        const bytes = answerQuery(query, { name, texts }, UDP);
        assert(bytes !== null && bytes.length <= 512);
        assertEquals(readAnswer(bytes).isTruncated, false);
        assert(bytes.length <= 4 * query.length, `${bytes.length} for ${query.length}`);
      }
    }
  }
});
