/** Records by name, without a trailing dot, and type; `*` stands for one label: `*.tunnel.example A`. */
export type Records = Readonly<Record<string, readonly string[]>>;

const TYPES: ReadonlyMap<number, string> = new Map([[1, "A"], [2, "NS"], [28, "AAAA"]]);

/** A DNS server on this machine that has a few records and no others (RFC 1035 section 4). */
export class TestNameServer implements AsyncDisposable {
  readonly #records: Records;
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;

  constructor(records: Records) {
    this.#records = records;
    this.#serving = this.#serve();
  }

  /** What `Deno.resolveDns` is told. */
  get place(): { readonly ipAddr: string; readonly port: number } {
    const { addr } = this.#socket;
    if (addr.transport !== "udp") throw new Error("DNS is asked over UDP");
    return { ipAddr: "127.0.0.1", port: addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const [query, from] of this.#socket) {
      await this.#socket.send(this.#answer(query), from);
    }
  }

  #answer(query: Uint8Array): Uint8Array {
    const { name, end } = nameAt(query, 12);
    const type = TYPES.get((query[end] ?? 0) << 8 | (query[end + 1] ?? 0)) ?? "";
    const wildcard = name.replace(/^[^.]+/, "*");
    const found = this.#records[`${name} ${type}`] ?? this.#records[`${wildcard} ${type}`] ?? [];
    const header = [query[0] ?? 0, query[1] ?? 0, 0x84, 0x00, 0, 1, 0, found.length, 0, 0, 0, 0];
    const question = query.subarray(12, end + 4);
    const records = found.flatMap((value) => {
      const data = type === "A" ? value.split(".").map(Number) : nameBytes(value);
      return [0xc0, 12, ...query.subarray(end, end + 4), 0, 0, 0, 1, 0, data.length, ...data];
    });
    return new Uint8Array([...header, ...question, ...records]);
  }
}

function nameAt(
  message: Uint8Array,
  start: number,
): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(new TextDecoder().decode(message.subarray(at + 1, at + 1 + length)).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

function nameBytes(name: string): number[] {
  const encoder = new TextEncoder();
  const labels = name.split(".").flatMap((label) => [label.length, ...encoder.encode(label)]);
  return [...labels, 0];
}
