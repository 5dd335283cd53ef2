/** What a test asks a DNS server. */
export interface DNSQuery {
  readonly name: string;
  /** @default TXT */
  readonly type?: number;
  /** @default IN */
  readonly class?: number;
  /** @default a standard query with recursion desired */
  readonly flags?: number;
  /** The version in an OPT record; without one there is no such record. */
  readonly edns?: number;
}

export const TXT = 16;

/** The identifier of every query. */
export const QUERY_ID = 0xabcd;

/** Writes a query (RFC 1035 section 4.1). */
export function writeQuery(query: DNSQuery): Uint8Array<ArrayBuffer> {
  const { name, type = TXT, flags = 0x0100, edns } = query;
  const labels = name.split(".").flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]);
  const opt = edns === undefined ? [] : [0, 0, 41, 4, 208, 0, edns, 0, 0, 0, 0];
  return Uint8Array.from([
    ...word(QUERY_ID),
    ...word(flags),
    ...[...word(1), ...word(0), ...word(0), ...word(edns === undefined ? 0 : 1)],
    ...[...labels, 0, ...word(type), ...word(query.class ?? 1)],
    ...opt,
  ]);
}

/** What an answer says; records as their type and what is in them. */
export interface DNSAnswer {
  readonly code: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  /** As it was asked. */
  readonly question: string;
  readonly answers: readonly string[];
  readonly authorities: readonly string[];
  readonly additional: readonly string[];
}

/** Reads an answer, and fails where it is not one that another resolver would take. */
export function readAnswer(bytes: Uint8Array): DNSAnswer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== QUERY_ID || (flags & 0x8000) === 0) throw new Error("not the answer");
  let at = 12;
  let question = "";
  if (view.getUint16(4) === 1) {
    const name = readName(bytes, at);
    question = name.text;
    at = name.end + 4;
  }
  const records = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const name = readName(bytes, at);
      const type = view.getUint16(name.end);
      const start = name.end + 10;
      at = start + view.getUint16(name.end + 8);
      if (at > bytes.length) throw new Error("a record that is cut");
      return `${name.text} ${textOf(bytes, { type, start, end: at })}`;
    });
  const [answers, authorities, additional] = [6, 8, 10].map((field) =>
    records(view.getUint16(field))
  );
  if (at !== bytes.length) throw new Error("octets behind the last record");
  return {
    code: flags & 0xf,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    question,
    answers: answers ?? [],
    authorities: authorities ?? [],
    additional: additional ?? [],
  };
}

function textOf(
  bytes: Uint8Array,
  { type, start, end }: { readonly type: number; readonly start: number; readonly end: number },
): string {
  switch (type) {
    case 2:
      return `NS ${readName(bytes, start).text}`;
    case 6:
      return `SOA ${readName(bytes, start).text}`;
    case TXT:
      return `TXT ${new TextDecoder().decode(bytes.subarray(start + 1, end))}`;
    default:
      return `${type}`;
  }
}

function readName(bytes: Uint8Array, start: number): { text: string; end: number } {
  const labels: string[] = [];
  let end = -1;
  for (let at = start, steps = 0;; steps++) {
    const length = bytes[at];
    if (length === undefined || steps > 128) throw new Error("a name that does not end");
    if ((length & 0xc0) === 0xc0) {
      if (end === -1) end = at + 2;
      at = (length & 0x3f) << 8 | (bytes[at + 1] ?? 0);
      continue;
    }
    if (length === 0) return { text: labels.join("."), end: end === -1 ? at + 1 : end };
    labels.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}

function word(value: number): readonly number[] {
  return [value >> 8, value & 0xff];
}
