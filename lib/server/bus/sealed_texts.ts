import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { MAX_LIFETIME } from "./bus_limits.ts";
import type { Bus } from "./bus.ts";

/** Octets of what makes two texts under one key differ (NIST SP 800-38D section 8.2). */
const NONCE = 12;

/** What these keys are for: no other use of the secret makes the same ones (RFC 5869 section 3.2). */
const PURPOSE = "tunnel: texts on the bus";

export interface SealingOptions {
  readonly bus: Bus;
  /** What the nodes know, and who reads the bus does not. */
  readonly secret: string;
  /** What the nodes serve. */
  readonly domain: string;
}

/**
 * Keeps texts on the bus that who has no share in the secret can neither read nor make: not with AES-256-GCM, under a
 * key that is made of the secret by HKDF (RFC 5869). Each is bound to its name.
 */
export class SealedTexts {
  readonly #bus: Bus;
  readonly #key: CryptoKey;

  private constructor(bus: Bus, key: CryptoKey) {
    this.#bus = bus;
    this.#key = key;
  }

  static async make({ bus, secret, domain }: SealingOptions): Promise<SealedTexts> {
    const material = await crypto.subtle.importKey("raw", octets(secret), "HKDF", false, [
      "deriveKey",
    ]);
    const making = { name: "HKDF", hash: "SHA-256", salt: octets(domain), info: octets(PURPOSE) };
    const kind = { name: "AES-GCM", length: 256 };
    const key = await crypto.subtle.deriveKey(making, material, kind, false, [
      "encrypt",
      "decrypt",
    ]);
    return new SealedTexts(bus, key);
  }

  /** Keeps a text for `lifetime` milliseconds. @throws {BusError} */
  async keep(name: string, text: string, lifetime: number = MAX_LIFETIME): Promise<void> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const sealed = await crypto.subtle.encrypt(this.#way(name, nonce), this.#key, octets(text));
    const whole = new Uint8Array(NONCE + sealed.byteLength);
    whole.set(nonce);
    whole.set(new Uint8Array(sealed), NONCE);
    await this.#bus.keepText(name, encodeBase64(whole), lifetime);
  }

  /** Returns a text; null when there is none that a node has kept. @throws {BusError} */
  async find(name: string): Promise<string | null> {
    const kept = await this.#bus.findText(name);
    if (kept === null) return null;
    try {
      const whole = decodeBase64(kept);
      const way = this.#way(name, whole.subarray(0, NONCE));
      const text = await crypto.subtle.decrypt(way, this.#key, whole.subarray(NONCE));
      return new TextDecoder().decode(text);
    } catch {
      // Somebody else has written it, or a node with another secret.
      return null;
    }
  }

  #way(name: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
    return { name: "AES-GCM", iv, additionalData: octets(name) };
  }
}

function octets(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
