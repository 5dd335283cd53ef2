import type { ByteStream } from "../../../net/byte_stream.ts";
import { type Dialer, TCPDialer, UnixDialer } from "../../../net/dialer.ts";
import { startTLS } from "../../../net/tls_handshake.ts";
import { connectUnverified } from "../../../net/unverified_tls.ts";
import type { Origin, OriginTrust } from "../origin.ts";

/** How an origin over TLS is asked. */
export interface OriginTLS extends OriginTrust {
  /** The name that is asked for and that the certificate must have. */
  readonly hostname: string;
}

/** Returns what makes connections on which an origin can be asked. */
export function originDialer(origin: Origin, tls: OriginTLS): Dialer {
  return origin.kind === "https" ? new TLSDialer(origin, tls) : plainDialer(origin);
}

/** Returns what makes connections to where an origin listens, and says nothing on them. */
export function plainDialer(origin: Origin): Dialer {
  if (origin.kind === "unix") return new UnixDialer(origin.path);
  return new TCPDialer(origin.host, origin.port);
}

/** Connects to an origin over TLS. */
class TLSDialer implements Dialer {
  readonly #place: { readonly host: string; readonly port: number };
  readonly #tls: OriginTLS;
  readonly #plain: TCPDialer;

  constructor(place: { readonly host: string; readonly port: number }, tls: OriginTLS) {
    this.#place = place;
    this.#tls = tls;
    this.#plain = new TCPDialer(place.host, place.port);
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    const { hostname, authorities, isInsecure } = this.#tls;
    const { host, port } = this.#place;
    if (isInsecure) return await connectUnverified({ signal, host, port, hostname });
    const plain = await this.#plain.open(signal);
    return await startTLS(plain, { signal, hostname, authorities });
  }
}
