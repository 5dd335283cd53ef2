import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AnswerRequest, HTTPServer, TCPPlace } from "./network.ts";

/** Methods that no `Request` can have (Fetch standard, section 2.2.1); CONNECT never comes here. */
const NOT_ASKED: ReadonlySet<string> = new Set(["TRACE", "TRACK"]);

/** Serves with `node:http` what speaks the standard's requests and answers. */
export async function serveHTTP(
  { hostname: host, port }: TCPPlace,
  answer: AnswerRequest,
): Promise<HTTPServer> {
  const server = createServer((incoming, outgoing) => void exchange(incoming, outgoing, answer));
  server.listen({ host, port });
  // It rejects with the error of a server that cannot listen.
  await once(server, "listening");
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  server.on("close", () => closed.resolve());
  server.on("error", (error) => closed.reject(error));
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    ended: closed.promise,
    shutdown() {
      server.close();
      server.closeIdleConnections();
      return closed.promise;
    },
  };
}

async function exchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: AnswerRequest,
): Promise<void> {
  const request = requestOf(incoming);
  const response = request === null ? new Response(null, { status: 400 }) : await answer(request);
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.flushHeaders();
  if (response.body === null) outgoing.end();
  else await send(response.body, outgoing);
}

/** Sends a body as fast as it is taken, and cancels it when the reader leaves. */
async function send(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  outgoing: ServerResponse,
): Promise<void> {
  const reader = body.getReader();
  const left = new AbortController();
  outgoing.on("close", () => {
    left.abort();
    // The source of the body is told so; nobody waits for it.
    reader.cancel().catch(() => {});
  });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (outgoing.write(next.value)) continue;
      await once(outgoing, "drain", { signal: left.signal });
    }
    outgoing.end();
  } catch {
    // The reader has left, or the body cannot go on: one that ended here would look whole.
    outgoing.destroy();
  }
}

/** Makes the standard's request of one of Node's; null for what cannot be one. */
function requestOf(incoming: IncomingMessage): Request | null {
  const { method = "GET", headers: { host = "localhost" }, url = "/" } = incoming;
  const target = `http://${host}${url}`;
  if (NOT_ASKED.has(method) || !url.startsWith("/") || !URL.canParse(target)) return null;
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  }
  const body = method === "GET" || method === "HEAD" ? null : ReadableStream.from(incoming);
  // Node asks for `duplex` where a body is a stream (Fetch standard, section 5.4).
  const init = { method, headers, body, duplex: "half" };
  return new Request(target, init);
}
