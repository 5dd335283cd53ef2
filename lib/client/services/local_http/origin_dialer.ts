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

type TCPOrigin = Exclude<Origin, { readonly kind: "unix" }>;

/** Returns what makes connections on which an origin can be asked. */
export function originDialer(origin: Origin, tls: OriginTLS): Dialer {
  return origin.kind === "https" ? new TLSDialer(origin, tls) : plainDialer(origin);
}

/** Returns what makes connections to where an origin listens, and says nothing on them. */
export function plainDialer(origin: Origin): Dialer {
  if (origin.kind === "unix") return new UnixDialer(origin.path);
  return tcpDialer(origin);
}

function tcpDialer({ host, port, addresses }: TCPOrigin): TCPDialer {
  return new TCPDialer(host, port, { addresses });
}

/** Connects to an origin over TLS. */
class TLSDialer implements Dialer {
  readonly #origin: TCPOrigin;
  readonly #tls: OriginTLS;
  readonly #plain: TCPDialer;

  constructor(origin: TCPOrigin, tls: OriginTLS) {
    this.#origin = origin;
    this.#tls = tls;
    this.#plain = tcpDialer(origin);
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    const { hostname, authorities, isInsecure } = this.#tls;
    const { host, port, addresses } = this.#origin;
    if (isInsecure) return await connectUnverified({ signal, host, port, hostname, addresses });
    const plain = await this.#plain.open(signal);
    return await startTLS(plain, { signal, hostname, authorities });
  }
}
