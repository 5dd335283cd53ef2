/** A part of a text; a secret one is covered until somebody asks for it. */
export interface TextPart {
  readonly text: string;
  readonly isSecret: boolean;
}

/** Tells whether what has this name, of a field, a parameter or a member, is nobody's business. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2"));
}

const SECRET_NAME = new RegExp(
  "^(?:(?:proxy-)?authorization|(?:set-)?cookie|sig)$|" +
    "(?:^|[-_.\\[ ])(?:token|secret|password|passwd|pwd|passphrase|api[-_]?key|access[-_]?key|" +
    "private[-_]?key|auth|jwt|session|session[-_]?id|signature|credentials?)s?(?:$|[-_.\\] ])",
  "i",
);

/** Divides a text at what looks like a token, and at values that have a secret name, in JSON or in a form. */
export function textParts(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  const cover = (from: number, to: number): void => {
    if (from > at) parts.push({ text: text.slice(at, from), isSecret: false });
    parts.push({ text: text.slice(from, to), isSecret: true });
    at = to;
  };
  for (const { 0: whole, index, groups = {} } of text.matchAll(CANDIDATE)) {
    const end = index + whole.length;
    const { member, string = "", parameter, value = "" } = groups;
    // The string of a member ends before its quote.
    if (member !== undefined && isSecretName(member)) cover(end - 1 - string.length, end - 1);
    else if (parameter !== undefined && isSecretName(parameter)) cover(end - value.length, end);
    else {
      for (const token of whole.matchAll(TOKEN)) {
        const from = index + token.index;
        if (isTokenLike(token[0])) cover(from, from + token[0].length);
      }
    }
  }
  if (at < text.length || parts.length === 0) {
    parts.push({ text: text.slice(at), isSecret: false });
  }
  return parts;
}

/** Divides the value of a field: all of it is secret by its name, or parts of it by what they look like. */
export function fieldParts(name: string, value: string): readonly TextPart[] {
  return isSecretName(name) && value !== "" ? [{ text: value, isSecret: true }] : textParts(value);
}

/** Divides a request target: values of its query are secret by their names, and by what they look like. */
export function targetParts(target: string): readonly TextPart[] {
  const [path = "", ...rest] = target.split("?");
  const parts = [...textParts(path)];
  if (rest.length === 0) return parts;
  for (const [index, pair] of rest.join("?").split("&").entries()) {
    const [name = "", ...value] = pair.split("=");
    const text = value.join("=");
    parts.push({ text: `${index === 0 ? "?" : "&"}${name}`, isSecret: false });
    if (value.length === 0) continue;
    parts.push({ text: "=", isSecret: false });
    if (text !== "" && isSecretName(name)) parts.push({ text, isSecret: true });
    else parts.push(...textParts(text));
  }
  return parts.filter(({ text }) => text !== "");
}

/** Writes parts with dots for secrets, for where nothing can be clicked. */
export function coveredText(parts: readonly TextPart[]): string {
  return parts.map(({ text, isSecret }) => isSecret ? DOTS : text).join("");
}

/** Stands for a secret of any length. */
export const DOTS = "••••••••";

/** What tokens of well-known services begin with; `eyJ` is a JSON Web Token. */
const PREFIX = "(?:eyJ|[spr]k_(?:live|test)_|whsec_|gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|" +
  "shp(?:at|ss|ca)_|npm_|AKIA|AIza|ya29\\.|SG\\.)";

const KNOWN = new RegExp(`^${PREFIX}`);

/** A known beginning with at least eight characters behind, or a run of 32. */
const TOKEN = new RegExp(`\\b${PREFIX}[\\w.-]{8,}|(?<![\\w+/-])[\\w+/-]{32,}={0,2}`, "g");

/** A member of a JSON text with a string, a parameter of a form, or a token. */
const CANDIDATE = new RegExp(
  String.raw`"(?<member>[^"\\]{1,64})"\s*:\s*"(?<string>(?:[^"\\]|\\.)+)"|` +
    String.raw`(?<![\w+/-])(?<parameter>[\w.[\]-]{1,64})=(?<value>[^&\s;"',]+)|${TOKEN.source}`,
  "g",
);

/** Tells whether a run is random: it mixes small and capital letters and digits, and is not a path. */
function isTokenLike(text: string): boolean {
  if (KNOWN.test(text)) return true;
  if (countOf(/\//g, text) > text.length / 16) return false;
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && countOf(/[0-9]/g, text) > 2;
}

function countOf(pattern: RegExp, text: string): number {
  return text.match(pattern)?.length ?? 0;
}
