import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ByteStream, writeAll } from "../../lib/net/byte_stream.ts";
import { DenoNetwork } from "../../lib/net/deno_network.ts";
import type { Network, TCPConnection } from "../../lib/net/network.ts";
import { NodeNetwork } from "../../lib/net/node_network.ts";
import { systemCode } from "../../lib/net/system_reason.ts";
import { SYSTEM_NETWORK } from "../../lib/net/system_network.ts";
import { startTLS, TLSError } from "../../lib/net/tls_handshake.ts";
import { CERTIFICATE, readCertificate } from "../testing/certificate.ts";
import { Pattern } from "../testing/pattern.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { within } from "../testing/within.ts";

const NEVER = new AbortController().signal;

/** Bytes that no buffer on the way holds. */
const LENGTH = 20_000_000;

const NETWORKS: Readonly<Record<string, Network>> = {
  DenoNetwork: new DenoNetwork(),
  NodeNetwork: new NodeNetwork(),
};

Deno.test("SYSTEM_NETWORK is Deno's own here", () => {
  assert(SYSTEM_NETWORK instanceof DenoNetwork);
});

// One contract for both.
for (const [name, network] of Object.entries(NETWORKS)) {
  Deno.test(`${name} carries bytes both ways, whole and in order, and tells the end`, async () => {
    using listener = echoing();
    const { stream } = await connect(network, listener);
    await assertEchoes(stream);
    stream.close();
  });

  Deno.test(`${name} ends a read that waits when it is closed`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { stream } = await connect(network, listener);
    using _accepted = await listener.accept();
    const reading = stream.read(new Uint8Array(1)).catch(() => null);
    stream.close();
    assertEquals(await within(reading, "the end of a read"), null);
  });

  Deno.test(`${name} tells by the system's code why there is no connection`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const refused = await assertRejects(() =>
      network.connect({ hostname: "127.0.0.2", port }, NEVER)
    );
    assertEquals(systemCode(refused), "ECONNREFUSED");
    const missing = await assertRejects(() => network.connectUnix("/not/there.sock", NEVER));
    assertEquals(systemCode(missing), "ENOENT");
  });

  Deno.test(`${name} rejects with the signal's reason when it is aborted`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const reason = new Error("not wanted any more");
    const place = { hostname: "127.0.0.1", port };
    const aborted = AbortSignal.abort(reason);
    assertEquals(await assertRejects(() => network.connect(place, aborted)), reason);
    // The listener says nothing, so that the handshake would wait for ever.
    const stop = new AbortController();
    const plain = await network.connect(place, NEVER);
    const hostname = "localhost";
    const securing = startTLS(plain, { signal: stop.signal, hostname, authorities: [] });
    using accepted = await listener.accept();
    assert(await accepted.read(new Uint8Array(1)) === 1);
    stop.abort(reason);
    assertEquals(await assertRejects(() => within(securing, "the end of a handshake")), reason);
  });

  Deno.test(`${name} connects to a socket in the file system`, async () => {
    if (Deno.build.os === "windows") return;
    await using folder = await TempDir.make();
    const path = `${folder.path}/s`;
    using listener = Deno.listen({ transport: "unix", path });
    const stream = await network.connectUnix(path, NEVER);
    using accepted = await listener.accept();
    await writeAll(stream, new TextEncoder().encode("hello"));
    const read = new Uint8Array(9);
    assertEquals(await accepted.read(read), 5);
    stream.close();
  });

  Deno.test(`${name} goes over to TLS, and trusts an authority that it is given`, async () => {
    using listener = echoing(await tls());
    for (const hostname of ["localhost", "127.0.0.1"]) {
      const authorities = [readCertificate()];
      const plain = await connect(network, listener);
      const stream = await startTLS(plain, { signal: NEVER, hostname, authorities });
      await assertEchoes(stream);
      stream.close();
    }
  });

  Deno.test(`${name} takes no certificate of a strange authority, for another name, nor what is not TLS`, async () => {
    using listener = echoing(await tls());
    const strange = await refusal(network, listener, { hostname: "localhost", authorities: [] });
    assertEquals(strange.fault, "untrusted");
    const authorities = [readCertificate()];
    const other = await refusal(network, listener, { hostname: "other.example", authorities });
    assertEquals(other.fault, "other_name");
    using plain = echoing();
    await refusal(network, plain, { hostname: "localhost", authorities });
  });

  Deno.test(`${name} has HTTP requests answered: method, target, fields and bodies as they are`, async () => {
    const server = await network.serve({ hostname: "127.0.0.1", port: 0 }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const body = new Uint8Array(await request.arrayBuffer());
      const asked = [request.method, pathname + search, request.headers.get("x-a"), body.length];
      const headers = new Headers({ "x-asked": asked.join(" ") });
      for (const cookie of ["a=1", "b=2"]) headers.append("set-cookie", cookie);
      return new Response(request.method === "HEAD" ? null : body, { status: 201, headers });
    });
    const sent = new Uint8Array(3_000_000).map((_, at) => at % 251);
    const answer = await fetch(`http://127.0.0.1:${server.port}/a%20b?c=d`, {
      method: "POST",
      headers: { "x-a": "b" },
      body: sent.slice(),
    });
    assertEquals(answer.status, 201);
    assertEquals(answer.headers.get("x-asked"), `POST /a%20b?c=d b ${sent.length}`);
    assertEquals(answer.headers.getSetCookie(), ["a=1", "b=2"]);
    assertEquals(new Uint8Array(await answer.arrayBuffer()), sent);
    await server.shutdown();
    await server.ended;
  });

  Deno.test(`${name} sends an answer as it is made, and cancels it when its reader leaves`, async () => {
    const cancelled = Promise.withResolvers<void>();
    const server = await network.serve({ hostname: "127.0.0.1", port: 0 }, () => {
      const first = new TextEncoder().encode("first");
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(first),
        cancel: () => cancelled.resolve(),
      });
      return Promise.resolve(new Response(body));
    });
    const { body } = await fetch(`http://127.0.0.1:${server.port}/`);
    const reader = body?.getReader();
    assertEquals(new TextDecoder().decode((await reader?.read())?.value), "first");
    await reader?.cancel();
    await within(cancelled.promise, "the end of an answer");
    await server.shutdown();
  });

  Deno.test(`${name} tells by the system's code why it cannot listen`, async () => {
    const answer = () => Promise.resolve(new Response());
    const server = await network.serve({ hostname: "127.0.0.1", port: 0 }, answer);
    const taken = await assertRejects(() =>
      network.serve({ hostname: "127.0.0.1", port: server.port }, answer)
    );
    assertEquals(systemCode(taken), "EADDRINUSE");
    await server.shutdown();
  });
}

async function refusal(
  network: Network,
  listener: Deno.TcpListener | Deno.TlsListener,
  options: { readonly hostname: string; readonly authorities: readonly string[] },
): Promise<TLSError> {
  const plain = await connect(network, listener);
  return await assertRejects(() => startTLS(plain, { signal: NEVER, ...options }), TLSError);
}

function connect(
  network: Network,
  { addr }: Deno.TcpListener | Deno.TlsListener,
): Promise<TCPConnection> {
  return network.connect({ hostname: "127.0.0.1", port: addr.port }, NEVER);
}

/** Sends much, in pieces, and reads it back at the same time. */
async function assertEchoes(stream: ByteStream): Promise<void> {
  const pattern = new Pattern();
  const sending = (async () => {
    for (const piece of pattern.pieces(LENGTH)) await writeAll(stream, piece);
  })();
  const buffer = new Uint8Array(100_000);
  for (let at = 0; at < LENGTH;) {
    const count = await stream.read(buffer);
    assert(count !== null && count > 0);
    assert(pattern.matches(at, buffer.subarray(0, count)), `wrong bytes at ${at}`);
    at += count;
  }
  await sending;
}

async function tls(): Promise<{ readonly cert: string; readonly key: string }> {
  return { cert: readCertificate(), key: await Deno.readTextFile(CERTIFICATE.keyFile) };
}

/** Listens, and sends back whatever comes; over TLS where it has a certificate. */
function echoing(
  certificate?: Awaited<ReturnType<typeof tls>>,
): Deno.TcpListener | Deno.TlsListener {
  const place = { hostname: "127.0.0.1", port: 0 };
  const listener = certificate === undefined
    ? Deno.listen(place)
    : Deno.listenTls({ ...place, ...certificate });
  void (async () => {
    for await (const connection of listener) {
      void connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  })();
  return listener;
}
