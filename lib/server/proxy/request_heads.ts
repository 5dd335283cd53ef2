import { encodeRequestHead, type Field } from "../../wire/head.ts";
import { charactersOf, HeadWriter } from "../../wire/head_writer.ts";
import { HOP_BY_HOP, withoutHopByHop } from "../../http/fields.ts";
import { type ForwardedFields, tellsWay, type VisitorConnection } from "./forwarded.ts";
import type { Visit } from "../listen/visit.ts";

/** What of a public request makes the head that its origin gets. */
export type HeadSource = Pick<Visit, "fields" | "connection" | "target"> & {
  readonly request: Pick<Request, "method">;
};

/** The fields about one visitor's way, as they are written. */
interface Way {
  readonly connection: VisitorConnection;
  readonly written: Uint8Array;
}

const encoder = new TextEncoder();

/** Makes the heads that origins get of those that visitors send. */
export class RequestHeads {
  readonly #forwarded: ForwardedFields;
  /** The last one: a visitor's requests come one behind the other. */
  #way: Way | null = null;

  constructor(forwarded: ForwardedFields) {
    this.#forwarded = forwarded;
  }

  /** Encodes the head of a request with `length` bytes of body; null for none, or for what only its end tells. */
  encode(source: HeadSource, length: number | null): Uint8Array {
    return this.#write(source, length) ?? encodeRequestHead({
      method: source.request.method,
      target: source.target,
      fields: this.fields(source, length),
    });
  }

  /** Returns the fields of that head: end-to-end ones, and those that say whom it serves. */
  fields({ fields: { list }, connection }: HeadSource, length: number | null): Field[] {
    const fields = this.#forwarded.apply(withoutHopByHop(list), connection);
    const at = fields.findIndex(([name]) => name === "content-length");
    // `Deno.serve` joins equal Content-Lengths, as in "1, 1"; the origin gets the one number that was checked.
    if (at !== -1) fields[at] = ["content-length", String(length ?? 0)];
    // HTTP/2 has `:authority` in its place (RFC 9113 section 8.3.1).
    if (!fields.some(([name]) => name === "host")) fields.unshift(["host", connection.host]);
    return fields;
  }

  /** Writes the same head in one pass over the visitor's fields; undefined where it takes more than that. */
  #write(source: HeadSource, length: number | null): Uint8Array | undefined {
    const { request: { method }, target, fields, connection } = source;
    const { written } = this.#wayOf(connection);
    const texts = method.length + target.length + connection.host.length;
    const characters = texts + charactersOf(fields.list);
    const writer = HeadWriter.begin(characters, fields.list.length + 1, written.length);
    if (writer === undefined) return undefined;
    writer.putRequest(method, target);
    if (!fields.has("host")) writer.putField("host", connection.host);
    for (const field of fields.list) {
      const name = field[0];
      const value = field[1];
      if (tellsWay(name)) {
        if (this.#forwarded.believes(connection.peer)) return undefined;
      } else if (HOP_BY_HOP.has(name)) {
        // Nearly every request says one of these two; another may name fields that are to be dropped.
        const isUsual = name !== "connection" || value === "keep-alive" || value === "close";
        if (!isUsual) return undefined;
      } else {
        writer.putField(name, name === "content-length" ? String(length ?? 0) : value);
      }
    }
    writer.putFields(written);
    return writer.end();
  }

  #wayOf(connection: VisitorConnection): Way {
    const last = this.#way;
    if (last !== null && isSame(last.connection, connection)) return last;
    const fields = this.#forwarded.apply([], connection);
    const written = encoder.encode(JSON.stringify(fields).slice(1, -1));
    return this.#way = { connection, written };
  }
}

function isSame(a: VisitorConnection, b: VisitorConnection): boolean {
  return a.host === b.host && a.peer === b.peer && a.scheme === b.scheme;
}
