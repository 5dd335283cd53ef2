/** How a tunnel is published. Nothing is read from the environment. */
export interface TunnelOptions {
  /** The server's URL, or those of several: `https://` unless it says otherwise, but `http://` for localhost and addresses. */
  readonly server: string | readonly string[];
  /**
   * The key that the public address comes from: the path of a file, which is made when it is missing, an Ed25519 private key
   * in PKCS #8 PEM (RFC 8410), a key pair of WebCrypto, or `"memory"` for a new one that ends with the process.
   *
   * @default "memory"
   */
  readonly key?: string | CryptoKeyPair;
  /** Another address from the same key: 1 to 63 letters, digits and inner hyphens. @default the first address */
  readonly label?: string;
  /** A name to wish for, so that the tunnel is at `<name>.<domain>` as well; refused, it is not published. @default none */
  readonly name?: string | null;
  /** The server's shared secret. @default none */
  readonly token?: string | null;
  /** What visitors must present (RFC 7617), of one user or several; it leaves this machine as a salted hash. @default nothing */
  readonly basicAuth?: BasicAuth | readonly BasicAuth[] | null;
  /** The visitors that are let in: addresses and networks such as `10.0.0.0/8`. @default everybody */
  readonly allowIp?: string | readonly string[];
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

/** An inspector with more than an address. */
export interface InspectorSettings {
  /** A port, or an address and a port. @default "127.0.0.1:4040" */
  readonly address?: number | string;
  /** A secret that it asks for; needed when it listens for other machines. @default none */
  readonly token?: string | null;
  /** Bytes that recorded requests may take, or a text such as `10mib`; the oldest are forgotten first. @default 64 MiB */
  readonly memory?: number | string;
}

/** What visitors must present. */
export interface BasicAuth {
  /** At most 128 bytes without a colon or control characters. */
  readonly user: string;
  /** At most 512 bytes without control characters. */
  readonly password: string;
}
