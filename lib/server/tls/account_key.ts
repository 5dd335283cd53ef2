import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";

/** ES256, which every authority takes (RFC 8555 section 6.2). */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** A JSON Web Signature in its flattened form (RFC 7515 section 7.2.2). */
export interface FlattenedJWS {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** A key that the authority was told of outside of the protocol, which binds an account to a customer (RFC 8555 section 7.3.4). */
export interface ExternalAccount {
  readonly keyId: string;
  /** In base64url. */
  readonly hmacKey: string;
}

/** The key of an account at an authority, which signs every request (RFC 8555 section 6.2). */
export class AccountKey {
  /** The public key as a JSON Web Key. */
  readonly publicKey: Readonly<Record<"crv" | "kty" | "x" | "y", string>>;
  /** The private key, as PKCS #8 in base64url. */
  readonly secret: string;
  readonly #private: CryptoKey;

  private constructor(publicKey: AccountKey["publicKey"], secret: string, key: CryptoKey) {
    this.publicKey = publicKey;
    this.secret = secret;
    this.#private = key;
  }

  static async make(): Promise<AccountKey> {
    const pair = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
    return await AccountKey.read(encodeBase64Url(pkcs8));
  }

  /** @throws {TypeError | DOMException} for a text that is no such key. */
  static async read(secret: string): Promise<AccountKey> {
    const pkcs8 = decodeBase64Url(secret);
    const key = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, true, ["sign"]);
    const { x, y } = await crypto.subtle.exportKey("jwk", key);
    if (x === undefined || y === undefined) throw new TypeError("a key without a public half");
    return new AccountKey({ crv: ALGORITHM.namedCurve, kty: "EC", x, y }, secret, key);
  }

  /** Signs a payload, null for none (RFC 8555 section 6.3). */
  async sign(
    head: Readonly<Record<string, unknown>>,
    payload: unknown | null,
  ): Promise<FlattenedJWS> {
    return await flattened({ alg: "ES256", ...head }, payload, async (input) => {
      return await crypto.subtle.sign(SIGNING, this.#private, input);
    });
  }

  /** Shows that who has this key was given the other one too. */
  async bind({ keyId, hmacKey }: ExternalAccount, url: string): Promise<FlattenedJWS> {
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const raw = decodeBase64Url(hmacKey);
    const key = await crypto.subtle.importKey("raw", raw, hmac, false, ["sign"]);
    return await flattened({ alg: "HS256", kid: keyId, url }, this.publicKey, async (input) => {
      return await crypto.subtle.sign(hmac.name, key, input);
    });
  }

  /** Returns what a challenge is answered with (RFC 8555 section 8.1). */
  async authorize(token: string): Promise<string> {
    const { crv, kty, x, y } = this.publicKey;
    // RFC 7638 section 3.2 gives the order of the members.
    return `${token}.${encodeBase64Url(await sha256(JSON.stringify({ crv, kty, x, y })))}`;
  }
}

export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function flattened(
  head: Readonly<Record<string, unknown>>,
  payload: unknown | null,
  sign: (input: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>,
): Promise<FlattenedJWS> {
  const parts = {
    protected: encodeBase64Url(JSON.stringify(head)),
    payload: payload === null ? "" : encodeBase64Url(JSON.stringify(payload)),
  };
  const input = new TextEncoder().encode(`${parts.protected}.${parts.payload}`);
  return { ...parts, signature: encodeBase64Url(await sign(input)) };
}
