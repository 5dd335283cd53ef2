import type { Rate } from "../../cli/flags.ts";

/**
 * How a tunnel is published. Nothing is read from the environment. Times are milliseconds or texts such as `30s`, sizes
 * bytes or texts such as `10mb`.
 */
export interface TunnelOptions {
  /** The server's URL, or those of several: `https://` unless it says otherwise, but `http://` for localhost and addresses. */
  readonly server: string | readonly string[];
  /**
   * The key that the public address comes from: the path of a file, which is made when it is missing, an Ed25519 private key
   * in PKCS #8 PEM (RFC 8410), a key pair of WebCrypto, or `"memory"` for a new one that ends with the process.
   *
   * @default "memory"
   */
  readonly key?: string | KeyPair;
  /** Another address from the same key: 1 to 63 letters, digits and inner hyphens. @default the first address */
  readonly label?: string;
  /** A name to wish for, so that the tunnel is at `<name>.<domain>` as well; refused, it is not published. @default none */
  readonly name?: string | null;
  /** The server's shared secret. @default none */
  readonly token?: string | null;
  /** What visitors must present (RFC 7617), of one user or several; it leaves this machine as a salted hash. @default nothing */
  readonly basicAuth?: BasicAuth | readonly BasicAuth[] | null;
  /** Asks for `basicAuth` on a page of its own, which browsers remember for a week. @default false */
  readonly login?: boolean;
  /** The visitors that are let in: addresses and networks such as `10.0.0.0/8`. @default everybody */
  readonly allowIp?: string | readonly string[];
  /** Requests to this tunnel, such as `100/s`, then 429. @default the server's */
  readonly rateLimit?: Rate | string | null;
  /** Requests and WebSockets at once, then 503. @default the server's */
  readonly maxStreams?: number | null;
  /** The largest request body, then 413. @default the server's */
  readonly maxBody?: number | string | null;
  /** How long visitors wait for an answer to begin, then 504. @default the server's */
  readonly timeout?: number | string | null;
  /** Fields that the service gets; `{visitor}`, `{host}` and `{path}` stand for what was asked. @default none */
  readonly setRequestHeader?: FieldValues;
  /** Names of fields that the service does not get. @default none */
  readonly removeRequestHeader?: string | readonly string[];
  /** Fields that visitors get, likewise. @default none */
  readonly setResponseHeader?: FieldValues;
  /** Names of fields that visitors do not get. @default none */
  readonly removeResponseHeader?: string | readonly string[];
  /** Origins of sites whose pages may read the answers, or `*` for all; preflights are answered as well. @default as the service says */
  readonly cors?: string | readonly string[] | null;
  /**
   * Where a visitor may go by naming it in `X-Proxy-Destination`, such as `https://*.internal:443/api/*`. It is refused
   * without `basicAuth` or `allowIp`: this machine would send requests for everybody.
   *
   * @default nowhere
   */
  readonly allowDestination?: string | readonly string[];
  /** Where a visitor may not go all the same, likewise, or a network such as `10.0.0.0/8`. @default nowhere else */
  readonly denyDestination?: string | readonly string[];
  /** Certificates in PEM of authorities that are trusted for `https://` services and destinations beside the usual ones. @default none */
  readonly originAuthorities?: string | readonly string[];
  /** Asks an `https://` service or destination whatever its certificate says. @default false */
  readonly insecureOrigin?: boolean;
  /** WebSockets to each server, from 1 to 16. @default 2 */
  readonly connections?: number;
  /** An HTTP proxy on the way to the servers, as `http://user:password@host:port`. @default none */
  readonly proxy?: string | null;
  /** Certificates in PEM (RFC 7468) of authorities that are trusted for the servers beside the usual ones. @default none */
  readonly authorities?: string | readonly string[];
  /** Closes the tunnel when it aborts, as `close()` does; before the tunnel is online, it is given up. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds in which a first server must have taken the tunnel; `Infinity` for as long as it takes. Later the tunnel
   * comes back by itself, however long that takes.
   *
   * @default 30 seconds
   */
  readonly connectTimeout?: number;
  /**
   * Where requests are seen and sent again: a port or an address of this machine such as `127.0.0.1:4040`, or the next free
   * one of ten ports. `tunnel.inspector` tells which.
   *
   * @default none
   */
  readonly inspector?: number | string | InspectorSettings | null;
}

/** Fields (RFC 9110 section 5): values by their names, or texts such as `X-Env: dev`. */
export type FieldValues = Readonly<Record<string, string>> | string | readonly string[];

/** An inspector with more than an address. */
export interface InspectorSettings {
  /** A port, or an address and a port. @default "127.0.0.1:4040" */
  readonly address?: number | string;
  /** A secret that it asks for; needed when it listens for other machines. @default none */
  readonly token?: string | null;
  /** Bytes that recorded requests may take, or a text such as `10mib`; the oldest are forgotten first. @default 64 MiB */
  readonly memory?: number | string;
}

/** A key pair of WebCrypto, as its `CryptoKeyPair`; types for Node alone do not know it by name. */
export interface KeyPair {
  /** The half that signs. */
  readonly privateKey: Parameters<typeof crypto.subtle.sign>[1];
  /** The half that the public address comes from. */
  readonly publicKey: Parameters<typeof crypto.subtle.verify>[1];
}

/** What visitors must present. */
export interface BasicAuth {
  /** At most 128 bytes without a colon or control characters. */
  readonly user: string;
  /** At most 512 bytes without control characters. */
  readonly password: string;
}
