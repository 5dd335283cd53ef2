import { PREVIEWED_IMAGES } from "../exchange.ts";
import { parameterOf } from "./multipart.ts";
import { textOfPart } from "./octet_text.ts";

/** What a body is, as far as showing it is concerned. */
export type BodyKind = "json" | "form" | "multipart" | "html" | "xml" | "image" | "text" | "binary";

/** Ways to show a body. */
export type BodyLook = "tree" | "fields" | "parts" | "page" | "image" | "text" | "hex";

/** The ways to show each kind, the best first. */
export const LOOKS: Readonly<Record<BodyKind, readonly BodyLook[]>> = {
  json: ["tree", "text", "hex"],
  form: ["fields", "text", "hex"],
  multipart: ["parts", "text", "hex"],
  html: ["text", "page", "hex"],
  xml: ["text", "hex"],
  image: ["image", "text", "hex"],
  text: ["text", "hex"],
  binary: ["hex"],
};

/** Returns a body as text: UTF-8, or what its type says; null where it is neither. */
export function bodyTextOf(contentType: string | null, octets: Uint8Array): string | null {
  const text = textOfPart(octets);
  if (text !== null) return text;
  const charset = parameterOf(contentType ?? "", "charset");
  if (charset === null) return null;
  try {
    return new TextDecoder(charset, { fatal: true }).decode(octets);
  } catch {
    // An encoding that this browser does not know, or another one than is said.
    return null;
  }
}

/** Decides what a body is by its type; without a useful one, by what is in it. `text` is null for what is not UTF-8. */
export function bodyKindOf(contentType: string | null, text: string | null): BodyKind {
  const type = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type.startsWith("multipart/")) return "multipart";
  if (PREVIEWED_IMAGES.has(type)) return "image";
  if (text === null) return "binary";
  if (/[/+]json$/.test(type)) return "json";
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type === "text/html") return "html";
  if (/[/+]xml$/.test(type)) return "xml";
  if (/^\s*[{[]/.test(text) && isJSON(text)) return "json";
  // deno-lint-ignore no-control-regex -- a text has no NUL
  return /\x00/.test(text) ? "binary" : "text";
}

function isJSON(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
