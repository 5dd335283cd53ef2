import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTLS, rootCertificates } from "node:tls";
import type { ByteStream } from "./byte_stream.ts";
import type {
  AnswerRequest,
  HTTPServer,
  Network,
  TCPConnection,
  TCPPlace,
  TLSOptions,
} from "./network.ts";
import { serveHTTP } from "./node_http_server.ts";
import { SocketStream } from "./socket_stream.ts";
import { serverNameFor } from "./tls_handshake.ts";

/** Opens connections with `node:net` and `node:tls`, and serves with `node:http`, which Node and Bun have. */
export class NodeNetwork implements Network {
  async connect({ hostname: host, port }: TCPPlace, signal: AbortSignal): Promise<TCPConnection> {
    signal.throwIfAborted();
    const socket = connect({ host, port });
    await opened(socket, "connect", signal);
    // Nagle's algorithm would let small writes in a row wait 40 ms for an acknowledgement.
    socket.setNoDelay(true);
    const stream = new SocketStream(socket);
    return {
      stream,
      startTLS(options) {
        // The bytes belong to TLS now.
        stream.letGo();
        return startTLS(socket, options);
      },
    };
  }

  async connectUnix(path: string, signal: AbortSignal): Promise<ByteStream> {
    signal.throwIfAborted();
    const socket = connect({ path });
    await opened(socket, "connect", signal);
    return new SocketStream(socket);
  }

  serve(place: TCPPlace, answer: AnswerRequest): Promise<HTTPServer> {
    return serveHTTP(place, answer);
  }
}

async function startTLS(
  plain: Socket,
  { signal, hostname, authorities }: TLSOptions,
): Promise<ByteStream> {
  const socket = connectTLS({
    socket: plain,
    servername: serverNameFor(hostname),
    // The name is checked against it, an address as well.
    host: hostname,
    ALPNProtocols: ["http/1.1"],
    // A list takes the place of the usual authorities.
    ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
  });
  await opened(socket, "secureConnect", signal);
  return new SocketStream(socket);
}

/** Waits until a socket is open, and destroys it when it cannot be, or is not wanted any more. */
async function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  try {
    await once(socket, event, { signal });
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    throw cause;
  }
}
