/** The one name that a responder answers for, and what is found under it. */
export interface Zone {
  /** In lower case, without a trailing dot, such as `_acme-challenge.tunnel.example.com`. */
  readonly name: string;
  /** The texts of its TXT records, of 255 octets at most each. */
  readonly texts: ReadonlySet<string>;
}

export interface AnsweringOptions {
  /** Bytes of the longest answer; one that is longer says that it is truncated and has no records. */
  readonly most: number;
  /** Leaves every record out and says so, which makes an honest resolver ask again over TCP (RFC 7766 section 5). @default false */
  readonly isCut?: boolean;
}

/** Bytes of the longest query that is looked at: a name has 255, and the rest is an OPT record with a cookie or two. */
export const MAX_QUERY = 512;

/**
 * Answers a query as the only authority of a zone (RFC 1035 section 4); null for what is to be dropped: an answer, which
 * must never be answered, and what is too short or too long for a query.
 */
export function answerQuery(
  query: Uint8Array,
  zone: Zone,
  { most, isCut = false }: AnsweringOptions,
): Uint8Array<ArrayBuffer> | null {
  if (query.length < HEADER || query.length > MAX_QUERY) return null;
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  const flags = view.getUint16(2);
  if ((flags & Flag.Response) !== 0) return null;
  if ((flags & Flag.Opcode) !== 0) return headerAlone(view, Code.NotImplemented);
  const isQuestion = view.getUint16(4) === 1 && view.getUint16(6) === 0 && view.getUint16(8) === 0;
  const question = isQuestion ? readQuestion(query) : null;
  if (question === null) return headerAlone(view, Code.FormatError);
  const edns = readEDNS(query, question.end, view.getUint16(10));
  if (edns === "malformed") return headerAlone(view, Code.FormatError);
  const found = edns === "unknown" ? nothing(Code.BadVersion) : lookUp(question, zone);
  const answer = { query: view, question, hasEDNS: edns !== "none", ...found };
  const whole = write({ ...answer, isCut });
  return whole.length <= most ? whole : write({ ...answer, isCut: true });
}

/** Tells whether what a query asks for is the zone's own name, where its texts are. */
export function asksForZone(query: Uint8Array, zone: Pick<Zone, "name">): boolean {
  return query.length >= HEADER && query.length <= MAX_QUERY &&
    readQuestion(query)?.name === zone.name;
}

/** Bytes of a message's head (RFC 1035 section 4.1.1). */
const HEADER = 12;

const Flag = {
  Response: 0x8000,
  Opcode: 0x7800,
  Authoritative: 0x0400,
  Truncated: 0x0200,
  RecursionDesired: 0x0100,
} as const;

/** RFC 1035 section 4.1.1, and RFC 6891 section 6.1.3 for the last. */
const Code = {
  NoError: 0,
  FormatError: 1,
  NoSuchName: 3,
  NotImplemented: 4,
  Refused: 5,
  BadVersion: 16,
} as const;
type Code = typeof Code[keyof typeof Code];

const Type = { NS: 2, SOA: 6, TXT: 16, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 } as const;

const INTERNET = 1;

/** Seconds that an answer may be kept: the next challenge has other texts. */
const TTL = 1;

/** Bytes of the longest message over UDP, which this side tells in OPT records: more than it takes would be dropped. */
const UDP_SIZE = MAX_QUERY;

interface Question {
  readonly name: string;
  readonly type: number;
  readonly isInternet: boolean;
  /** Where the question ends in the query. */
  readonly end: number;
}

/** Records to answer with. */
interface Found {
  readonly code: Code;
  readonly isOurs: boolean;
  readonly answers: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
}

function nothing(code: Code): Found {
  return { code, isOurs: false, answers: [], authorities: [] };
}

function lookUp({ name, type, isInternet, end }: Question, zone: Zone): Found {
  const isApex = name === zone.name;
  const isTransfer = type === Type.AXFR || type === Type.IXFR;
  if (!isInternet || isTransfer || (!isApex && !name.endsWith(`.${zone.name}`))) {
    return nothing(Code.Refused);
  }
  // Where the zone's name begins: in octets it has a length before it and a root behind it, and then come type and class.
  const at = end - 4 - (zone.name.length + 2);
  const soa = record(at, Type.SOA, soaData(at, zone));
  const answers = isApex ? records(at, type, zone, soa) : [];
  return {
    code: isApex ? Code.NoError : Code.NoSuchName,
    isOurs: true,
    answers,
    // Says for how long the absence may be remembered (RFC 2308 section 3).
    authorities: answers.length === 0 ? [soa] : [],
  };
}

function records(at: number, type: number, zone: Zone, soa: Uint8Array): readonly Uint8Array[] {
  switch (type) {
    case Type.TXT:
      return [...zone.texts].map((text) => record(at, Type.TXT, textData(text)));
    case Type.NS:
      return [record(at, Type.NS, pointer(parentOf(at, zone)))];
    case Type.SOA:
    // One kind of record is enough for who asks for any (RFC 8482 section 4.1).
    case Type.ANY:
      return [soa];
    default:
      return [];
  }
}

/** The name server is the domain itself, whose name stands in the question behind the first label of the zone. */
function parentOf(at: number, { name }: Zone): number {
  return at + name.indexOf(".") + 1;
}

function soaData(at: number, zone: Zone): Uint8Array {
  const server = pointer(parentOf(at, zone));
  const mailbox = [...label("hostmaster"), ...server];
  const [serial, refresh, retry, expire] = [1, 3600, 600, 86_400];
  return Uint8Array.from([
    ...server,
    ...mailbox,
    ...[serial, refresh, retry, expire, TTL].flatMap((value) => word32(value)),
  ]);
}

function textData(text: string): Uint8Array {
  return Uint8Array.from(label(text));
}

function label(text: string): readonly number[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length, ...bytes];
}

/** Points to a name that stands earlier in the message (RFC 1035 section 4.1.4). */
function pointer(at: number): Uint8Array {
  return Uint8Array.of(0xc0 | at >> 8, at & 0xff);
}

function word32(value: number): readonly number[] {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}

function record(at: number, type: number, data: Uint8Array): Uint8Array {
  const head = [...pointer(at), 0, type, 0, INTERNET, ...word32(TTL)];
  return Uint8Array.from([...head, data.length >> 8, data.length & 0xff, ...data]);
}

interface Answer extends Found {
  readonly query: DataView;
  readonly question: Question;
  readonly hasEDNS: boolean;
  readonly isCut: boolean;
}

function write(answer: Answer): Uint8Array<ArrayBuffer> {
  const { query, question, code, isOurs, hasEDNS, isCut } = answer;
  const answers = isCut ? [] : answer.answers;
  const authorities = isCut ? [] : answer.authorities;
  const asked = new Uint8Array(query.buffer, query.byteOffset + HEADER, question.end - HEADER);
  const additional = hasEDNS ? [optRecord(code)] : [];
  const parts = [asked, ...answers, ...authorities, ...additional];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, HEADER));
  const view = new DataView(bytes.buffer);
  writeHeader(view, query, {
    code,
    flags: (isOurs ? Flag.Authoritative : 0) | (isCut ? Flag.Truncated : 0),
  });
  const counts = [1, answers.length, authorities.length, additional.length];
  for (const [i, count] of counts.entries()) view.setUint16(4 + 2 * i, count);
  let at = HEADER;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An OPT record says what this side takes, and has the upper bits of the code (RFC 6891 section 6.1.3). */
function optRecord(code: Code): Uint8Array {
  return Uint8Array.of(0, 0, Type.OPT, UDP_SIZE >> 8, UDP_SIZE & 0xff, code >> 4, 0, 0, 0, 0, 0);
}

function headerAlone(query: DataView, code: Code): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER);
  writeHeader(new DataView(bytes.buffer), query, { code, flags: 0 });
  return bytes;
}

function writeHeader(
  view: DataView,
  query: DataView,
  { code, flags }: { readonly code: Code; readonly flags: number },
): void {
  const repeated = query.getUint16(2) & (Flag.Opcode | Flag.RecursionDesired);
  view.setUint16(0, query.getUint16(0));
  view.setUint16(2, Flag.Response | repeated | flags | code & 0xf);
}

/** Octets of one label and of a whole name (RFC 1035 section 2.3.4). */
const MAX_LABEL = 63;
const MAX_NAME = 255;

/** Reads the question; null for one that is cut, or whose name points elsewhere, for which a question has no use. */
function readQuestion(query: Uint8Array): Question | null {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > MAX_LABEL || at - HEADER >= MAX_NAME) return null;
    at++;
    if (length === 0) break;
    if (at + length > query.length) return null;
    labels.push(String.fromCharCode(...query.subarray(at, at + length)));
    at += length;
  }
  if (at + 4 > query.length) return null;
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  return {
    // A dot within a label must not look like one between two, and no zone has the other character.
    name: labels.map((text) => text.replaceAll(".", "\\")).join(".").toLowerCase(),
    type: view.getUint16(at),
    isInternet: view.getUint16(at + 2) === INTERNET,
    end: at + 4,
  };
}

/** Looks for the OPT record, which a query may have behind its question: its version must be 0 (RFC 6891 section 6.1.3). */
function readEDNS(
  query: Uint8Array,
  start: number,
  count: number,
): "none" | "known" | "unknown" | "malformed" {
  if (count === 0) return "none";
  // Anything else behind a question, such as a signature, belongs to what is not done here.
  if (count > 1 || query[start] !== 0 || start + 11 > query.length) return "malformed";
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  if (view.getUint16(start + 1) !== Type.OPT) return "malformed";
  if (start + 11 + view.getUint16(start + 9) > query.length) return "malformed";
  return view.getUint8(start + 6) === 0 ? "known" : "unknown";
}
