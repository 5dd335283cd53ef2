/** A value of a JSON text, or what stands where one was expected. */
export type JSONNode =
  | JSONBrackets & { readonly kind: "object"; readonly members: readonly JSONMember[] }
  | JSONBrackets & { readonly kind: "array"; readonly items: readonly JSONNode[] }
  | { readonly kind: "string"; readonly value: string }
  /** A number, true, false or null, as it is spelt: no digit of a long number is lost. */
  | { readonly kind: "number" | "word"; readonly text: string }
  | { readonly kind: "wrong"; readonly text: string; readonly message: string };

/** How what is between brackets is written. */
export interface JSONBrackets {
  /** Whether the closing bracket is there. */
  readonly isClosed: boolean;
  /** The entries behind which a comma is missing, or is too much. */
  readonly wrongCommas: ReadonlySet<number>;
}

export interface JSONMember {
  readonly key: string;
  readonly value: JSONNode;
  /** What is wrong with the name, such as that it stood there before; null for nothing. */
  readonly wrong: string | null;
}
