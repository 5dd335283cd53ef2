import { type ByteStream, closingOnAbort } from "./byte_stream.ts";
import type {
  AnswerRequest,
  HTTPServer,
  Network,
  TCPConnection,
  TCPPlace,
  TLSOptions,
} from "./network.ts";

/** Opens connections with Deno's own functions, whose reads and writes are the fastest that it has. */
export class DenoNetwork implements Network {
  async connect({ hostname, port }: TCPPlace, signal: AbortSignal): Promise<TCPConnection> {
    const stream = await Deno.connect({ hostname, port, signal });
    // Nagle's algorithm would let small writes in a row wait 40 ms for an acknowledgement.
    stream.setNoDelay(true);
    return { stream, startTLS: (options) => startTLS(stream, options) };
  }

  async connectUnix(path: string, signal: AbortSignal): Promise<ByteStream> {
    const socket = await Deno.connect({ transport: "unix", path });
    // It comes at once or not at all, a full queue included, so that Deno takes no signal for it.
    if (!signal.aborted) return socket;
    socket.close();
    throw signal.reason;
  }

  // Deno throws for what cannot listen, before there is a promise.
  // deno-lint-ignore require-await
  async serve({ hostname, port }: TCPPlace, answer: AnswerRequest): Promise<HTTPServer> {
    const server = Deno.serve({ hostname, port, onListen: () => {} }, answer);
    return {
      port: server.addr.port,
      ended: server.finished,
      shutdown: () => server.shutdown(),
    };
  }
}

async function startTLS(
  plain: Deno.TcpConn,
  { signal, hostname, authorities }: TLSOptions,
): Promise<ByteStream> {
  // Deno keeps the socket of a TLS handshake that is given up until the server closes or speaks.
  const secure = await Deno.startTls(plain, {
    hostname,
    alpnProtocols: ["http/1.1"],
    caCerts: [...authorities],
  });
  return await closingOnAbort(secure, signal, async () => {
    await secure.handshake();
    return secure;
  });
}
