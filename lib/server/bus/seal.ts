/** Octets of what makes two texts under one key differ (NIST SP 800-38D section 8.2). */
const NONCE = 12;

export interface SealOptions {
  /** What the nodes know, and who reads the bus does not. */
  readonly secret: string;
  /** What the nodes serve. */
  readonly domain: string;
  /** What the key is for: no other use of the secret makes the same one (RFC 5869 section 3.2). */
  readonly purpose: string;
}

/**
 * Makes texts unreadable for all who have no share in a secret, and unforgeable by them: with AES-256-GCM, under a key
 * that is made of the secret by HKDF (RFC 5869). Each is bound to a context, without which it is none.
 */
export class Seal {
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async make({ secret, domain, purpose }: SealOptions): Promise<Seal> {
    const material = await crypto.subtle.importKey("raw", octets(secret), "HKDF", false, [
      "deriveKey",
    ]);
    const making = { name: "HKDF", hash: "SHA-256", salt: octets(domain), info: octets(purpose) };
    const kind = { name: "AES-GCM", length: 256 };
    const key = await crypto.subtle.deriveKey(making, material, kind, false, [
      "encrypt",
      "decrypt",
    ]);
    return new Seal(key);
  }

  async close(text: string, context: string): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const sealed = await crypto.subtle.encrypt(wayOf(context, nonce), this.#key, octets(text));
    const whole = new Uint8Array(NONCE + sealed.byteLength);
    whole.set(nonce);
    whole.set(new Uint8Array(sealed), NONCE);
    return whole;
  }

  /** Returns the text; null for what nobody has sealed in that context who knows the secret. */
  async open(whole: Uint8Array<ArrayBuffer>, context: string): Promise<string | null> {
    try {
      const way = wayOf(context, whole.subarray(0, NONCE));
      const text = await crypto.subtle.decrypt(way, this.#key, whole.subarray(NONCE));
      return new TextDecoder().decode(text);
    } catch {
      return null;
    }
  }
}

function wayOf(context: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: octets(context) };
}

function octets(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
