import type { Field } from "../../../http/fields.ts";
import type { Exchange } from "../exchange.ts";
import { fieldText, latin1Of, utf8Of } from "./octet_text.ts";

/** The programs in whose words a request can be copied. */
export type CommandKind = "curl" | "fetch" | "HTTPie";

export const COMMAND_KINDS: readonly CommandKind[] = ["curl", "fetch", "HTTPie"];

/** A request to put into words. */
interface CommandRequest {
  readonly method: string;
  readonly url: string;
  readonly fields: readonly Field[];
  /** Null for none; text where the body is UTF-8 without a NUL, else base64. */
  readonly body: { readonly text: string } | { readonly base64: string } | null;
}

/** Writes the command that sends the request of an exchange to its public URL. */
export function commandOf(kind: CommandKind, exchange: Exchange, body: Uint8Array): string {
  const request = requestOf(exchange, body);
  if (kind === "curl") return curlOf(request);
  return kind === "fetch" ? fetchOf(request) : httpieOf(request);
}

function requestOf(
  { scheme, host, target, method, request }: Exchange,
  body: Uint8Array,
): CommandRequest {
  const text = utf8Of(body);
  const isText = text !== null && !text.includes("\0") && !text.startsWith("\ufeff");
  return {
    method,
    url: /^https?:\/\//.test(target) ? target : `${scheme}://${host ?? "localhost"}${target}`,
    fields: request.fields.filter(([name]) => !LEFT_OUT.has(name)).map(([name, value]) =>
      [name, fieldText(value)] as const
    ),
    body: body.length === 0 ? null : isText ? { text } : { base64: btoa(latin1Of(body)) },
  };
}

/** Fields that the command makes anew, or that the server of the tunnel adds. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...["host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"],
  ...["accept-encoding", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"],
  ...["x-forwarded-port", "x-real-ip"],
]);

function curlOf({ method, url, fields, body }: CommandRequest): string {
  const options = methodOption(method, body !== null) + asIs(url) + literally(url);
  const lines = [`curl ${options}${shellQuoted(url)}`];
  // An empty value would take the field away.
  for (const [name, value] of fields) {
    lines.push(`-H ${shellQuoted(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  lines.push("--compressed");
  if (body !== null && "text" in body) lines.push(`--data-raw ${shellQuoted(body.text)}`);
  if (body !== null && "base64" in body) lines.push("--data-binary @-");
  return pipeOf(body) + lines.join(" \\\n  ");
}

function methodOption(method: string, hasBody: boolean): string {
  if (method === "HEAD") return "--head ";
  return method === (hasBody ? "POST" : "GET") ? "" : `-X ${shellQuoted(method)} `;
}

/** Keeps curl from reading brackets as a range of URLs or a choice of them. */
function literally(url: string): string {
  return /[[\]{}]/.test(url) ? "--globoff " : "";
}

/** Keeps curl and HTTPie from taking dots out of a path. */
function asIs(url: string): string {
  return /\/\.{1,2}(?:[/?]|$)/.test(url) ? "--path-as-is " : "";
}

function httpieOf({ method, url, fields, body }: CommandRequest): string {
  const options = (body === null ? "--ignore-stdin " : "") + asIs(url);
  const lines = [`http ${options}${shellQuoted(method)} ${shellQuoted(url)}`];
  for (const [name, value] of fields) {
    // Without the blank, `:@` would send a file of this machine and `:=` a member of JSON, as a visitor likes.
    lines.push(shellQuoted(value === "" ? `${name};` : `${name}: ${value}`));
  }
  if (body !== null && "text" in body) lines.push(`--raw ${shellQuoted(body.text)}`);
  return pipeOf(body) + lines.join(" \\\n  ");
}

/** Brings octets that no command line can hold. */
function pipeOf(body: CommandRequest["body"]): string {
  return body !== null && "base64" in body ? `printf %s '${body.base64}' | base64 -d | ` : "";
}

function fetchOf({ method, url, fields, body }: CommandRequest): string {
  const lines = [`await fetch(${JSON.stringify(url)}, {`, `  method: ${JSON.stringify(method)},`];
  if (fields.length > 0) {
    lines.push("  headers: [");
    for (const [name, value] of fields) {
      lines.push(`    [${JSON.stringify(name)}, ${JSON.stringify(value)}],`);
    }
    lines.push("  ],");
  }
  if (body !== null && "text" in body) lines.push(`  body: ${JSON.stringify(body.text)},`);
  if (body !== null && "base64" in body) {
    lines.push(`  body: Uint8Array.from(atob("${body.base64}"), (c) => c.charCodeAt(0)),`);
  }
  return [...lines, "});"].join("\n");
}

/** Quotes for a POSIX shell, in which nothing within single quotes means anything. */
function shellQuoted(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
