import { messageOf } from "../../cli/safe_text.ts";
import { systemReason } from "../../net/system_reason.ts";
import { tlsFailure } from "../../net/tls_failure.ts";
import { parseJSONObject } from "../../wire/json.ts";
import type { AccountKey, ExternalAccount } from "./account_key.ts";
import { ACMEError, retryAfterOf } from "./acme_error.ts";
import { isRecord, textOf } from "./acme_messages.ts";

/** Milliseconds for one request to an authority. */
const REQUEST_TIMEOUT = 30_000;

/** Bytes of the longest answer: a chain of certificates has some 10 kB. */
const MAX_ANSWER = 256 * 1024;

/** Attempts at one request whose nonce the authority has forgotten (RFC 8555 section 6.5). */
const MAX_NONCES = 10;

/** What an authority said. */
export interface ACMEAnswer {
  readonly body: Uint8Array;
  /** What the body says; undefined for one that is no JSON object, such as a certificate. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** The URL of what was made; null without one. */
  readonly location: string | null;
  /** Milliseconds after which to ask again; null when it does not say. */
  readonly retryAfter: number | null;
}

export interface ACMEClientOptions {
  /** The URL of the authority's directory. */
  readonly directory: string;
  readonly key: AccountKey;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly userAgent: string;
}

/** Whom an account belongs to. */
export interface AccountOwner {
  readonly mail: string;
  readonly external: ExternalAccount | null;
}

/** Speaks to an authority in signed requests (RFC 8555 section 6), each with a nonce that is used once. */
export class ACMEClient {
  readonly #options: ACMEClientOptions;
  #directory: Readonly<Record<string, unknown>> | null = null;
  #nonce: string | null = null;
  #account: string | null;

  /** `account` is the URL of the key's account, null while none is known. */
  constructor(options: ACMEClientOptions, account: string | null) {
    this.#options = options;
    this.#account = account;
  }

  get key(): AccountKey {
    return this.#options.key;
  }

  /** Finds or makes the key's account and returns its URL (RFC 8555 section 7.3). */
  async register({ mail, external }: AccountOwner): Promise<string> {
    if (this.#account !== null) return this.#account;
    const url = await this.#find("newAccount");
    const answer = await this.#post(url, {
      termsOfServiceAgreed: true,
      contact: [`mailto:${mail}`],
      ...(external === null ? {} : { externalAccountBinding: await this.key.bind(external, url) }),
    }, { jwk: this.key.publicKey });
    if (answer.location === null) throw unexpected("no URL of the account");
    this.#account = checkedURL(answer.location);
    return this.#account;
  }

  /** Asks for an order of certificates (RFC 8555 section 7.4). */
  async order(names: readonly string[]): Promise<ACMEAnswer> {
    const identifiers = names.map((value) => ({ type: "dns", value }));
    return await this.post(await this.#find("newOrder"), { identifiers });
  }

  /** Reads what is at a URL that the authority gave. */
  async read(url: string): Promise<ACMEAnswer> {
    return await this.post(url, null);
  }

  /** Sends a payload to a URL that the authority gave. @throws {ACMEError} for every answer but a success. */
  async post(url: string, payload: unknown | null): Promise<ACMEAnswer> {
    if (this.#account === null) throw unexpected("no account");
    return await this.#post(url, payload, { kid: this.#account });
  }

  async #post(
    url: string,
    payload: unknown | null,
    signer: Readonly<Record<string, unknown>>,
  ): Promise<ACMEAnswer> {
    for (let attempt = 1;; attempt++) {
      const nonce = await this.#takeNonce();
      const jws = await this.key.sign({ nonce, url: checkedURL(url), ...signer }, payload);
      try {
        return await this.#request(url, {
          method: "POST",
          headers: { "content-type": "application/jose+json" },
          body: JSON.stringify(jws),
        });
      } catch (error) {
        const isNonce = error instanceof ACMEError && error.code === "badNonce";
        if (!isNonce || attempt === MAX_NONCES) throw error;
      }
    }
  }

  async #takeNonce(): Promise<string> {
    if (this.#nonce === null) await this.#request(await this.#find("newNonce"), { method: "HEAD" });
    const nonce = this.#nonce;
    this.#nonce = null;
    if (nonce === null) throw unexpected("no nonce");
    return nonce;
  }

  async #find(resource: string): Promise<string> {
    this.#directory ??= (await this.#request(this.#options.directory, {})).json ?? {};
    const url = textOf(this.#directory, resource);
    if (url === null) throw unexpected(`no ${resource} in its directory`);
    return url;
  }

  async #request(url: string, init: RequestInit): Promise<ACMEAnswer> {
    let response: Response;
    let body: Uint8Array;
    try {
      const headers = { ...init.headers, "user-agent": this.#options.userAgent };
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT);
      response = await fetch(checkedURL(url), { ...init, headers, signal, redirect: "error" });
      body = await readAtMost(response, MAX_ANSWER);
    } catch (cause) {
      if (cause instanceof ACMEError) throw cause;
      const { host, hostname } = new URL(url);
      throw new ACMEError(`the authority ${host} cannot be asked: ${reasonOf(cause, hostname)}`, {
        code: "unreachable",
        cause,
      });
    }
    this.#nonce = response.headers.get("replay-nonce") ?? this.#nonce;
    const json = parseJSONObject(body);
    const retryAfter = retryAfterOf(response.headers);
    if (!response.ok) throw problem(url, response.status, json, retryAfter);
    return { body, json, location: response.headers.get("location"), retryAfter };
  }
}

/** Only TLS tells that the authority is the one that was meant. */
function checkedURL(url: string): string {
  if (URL.parse(url)?.protocol !== "https:") throw unexpected("a URL that is not https");
  return url;
}

export function unexpected(what: string): ACMEError {
  return new ACMEError(`the authority answered what was not expected: ${what}`, {
    code: "unexpected",
  });
}

/** Characters of an authority's own words that are shown. */
const MAX_DETAIL = 500;

/** Makes an error of a problem document (RFC 8555 section 6.7). */
function problem(
  url: string,
  status: number,
  json: ACMEAnswer["json"],
  retryAfter: number | null,
): ACMEError {
  const code = codeOf(json);
  const detail = detailOf(json) ?? `status ${status}`;
  return new ACMEError(`the authority ${new URL(url).host} refused: ${detail}`, {
    code,
    retryAfter,
  });
}

export function codeOf(json: Readonly<Record<string, unknown>> | undefined): string {
  return (textOf(json, "type") ?? "unexpected").replace(/^.*:/, "");
}

/** Returns an authority's own words, those about single names included. */
export function detailOf(json: Readonly<Record<string, unknown>> | undefined): string | null {
  const details = [textOf(json, "detail")];
  const parts = json?.["subproblems"];
  for (const part of Array.isArray(parts) ? parts.slice(0, 4) : []) {
    if (isRecord(part)) details.push(textOf(part, "detail"));
  }
  const text = details.filter((detail) => detail !== null).join("; ");
  return text === "" ? null : text.slice(0, MAX_DETAIL);
}

async function readAtMost(response: Response, most: number): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > most) throw unexpected(`more than ${most} bytes`);
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Says why `fetch` has no answer: it wraps what the system and TLS said into a chain of words. */
function reasonOf(error: unknown, host: string): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer came";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = messageOf(cause).replace(
    /^.*client error \(Connect\): (?:\w+ (?:connect )?error: )?/s,
    "",
  );
  if (text.startsWith("invalid peer certificate")) return tlsFailure(new Error(text), host).reason;
  return text.startsWith("Connection refused")
    ? "nothing listens there"
    : systemReason(new Error(text));
}
