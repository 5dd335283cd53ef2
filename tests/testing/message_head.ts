/** One field as it stood in the message: the name keeps its case. */
export type RawField = readonly [name: string, value: string];

/** The head of a message, read without judging it: tests look at exactly what came. */
export class MessageHead {
  /** Every byte through the empty line, as Latin-1. */
  readonly text: string;
  readonly startLine: string;
  readonly fields: readonly RawField[];

  constructor(text: string) {
    const [startLine = "", ...lines] = text.slice(0, -4).split("\r\n");
    this.text = text;
    this.startLine = startLine;
    this.fields = lines.map((line): RawField => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(OUTER_BLANKS, "")];
    });
  }

  /** Returns the values of all fields of that name, whatever its case. */
  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.fields.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) =>
      value
    );
  }

  /** Returns these values as one list, which is the same thing on the wire (RFC 9110 section 5.2); null for none. */
  get(name: string): string | null {
    const values = this.all(name);
    return values.length === 0 ? null : values.join(", ");
  }

  has(name: string): boolean {
    return this.all(name).length > 0;
  }

  /** Returns the names in lower case, sorted, each once. */
  names(): string[] {
    return [...new Set(this.fields.map(([name]) => name.toLowerCase()))].sort();
  }
}

/** Blanks around a value are not part of it (RFC 9110 section 5.5); `trim` would take Latin-1's no-break space too. */
const OUTER_BLANKS = /^[ \t]+|[ \t]+$/g;
