import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { originDialer } from "../../../../lib/client/services/local_http/origin_dialer.ts";
import { TLSError } from "../../../../lib/net/tls_handshake.ts";
import { pathOf } from "../../../testing/certificate.ts";
import { freePort } from "../../../testing/free_port.ts";
import { echoTLS, TLSPort } from "../../../testing/tls_port.ts";
import { within } from "../../../testing/within.ts";

const AUTHORITY = Deno.readTextFileSync(pathOf("authority.pem"));

/** Bytes of a body that does not fit into one record of TLS, nor into the buffers of a socket. */
const LONG = 3_000_000;

Deno.test("A dialer of an origin over TLS trusts an authority of the owner's own, and nothing else", async () => {
  await using server = new TLSPort("signed.pem", echoTLS);
  const place = { kind: "https", host: "127.0.0.1", port: server.port } as const;
  const refused = [
    { hostname: "127.0.0.1", authorities: [], fault: "untrusted" },
    { hostname: "other.example", authorities: [AUTHORITY], fault: "other_name" },
  ] as const;
  for (const { fault, ...trust } of refused) {
    const dialer = originDialer(place, { ...trust, isInsecure: false });
    const error = await assertRejects(() => dialer.connect(never()), TLSError);
    assertEquals(error.fault, fault);
  }
  for (const hostname of ["127.0.0.1", "app.tunnel.test"]) {
    const trust = { hostname, authorities: [AUTHORITY], isInsecure: false };
    assertEquals(await echoed(originDialer(place, trust)), LONG);
  }
});

Deno.test("A dialer of an origin whose certificate does not count takes every one, and carries the same bytes", async () => {
  for (const certificate of ["expired.pem", "other_name.pem", "selfmade_authority.pem"]) {
    await using server = new TLSPort(certificate, echoTLS);
    const place = { kind: "https", host: "localhost", port: server.port } as const;
    const trust = { hostname: "localhost", authorities: [], isInsecure: true };
    assertEquals(await echoed(originDialer(place, trust)), LONG, certificate);
  }
});

Deno.test("A dialer of an origin over TLS tells a port that speaks no TLS from one where nothing listens", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    for await (const socket of listener) {
      using _closed = socket;
      await socket.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    }
  })();
  for (const isInsecure of [false, true]) {
    const trust = { hostname: "127.0.0.1", authorities: [], isInsecure };
    const plain = { kind: "https", host: "127.0.0.1", port: listener.addr.port } as const;
    const error = await assertRejects(() => originDialer(plain, trust).connect(never()), TLSError);
    assertEquals([error.fault, error.message], ["plain", "it does not speak TLS"]);
    const nobody = { ...plain, port: freePort() };
    const refused = await assertRejects(() => originDialer(nobody, trust).connect(never()), Error);
    assertEquals("code" in refused && refused.code, "ECONNREFUSED");
  }
  listener.close();
  await answering.catch(() => {});
});

Deno.test("A dialer of an origin over TLS that is given up rejects with the reason", async () => {
  // Its queue takes the connection, and nobody answers the hello.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const isInsecure of [false, true]) {
    const place = { kind: "https", host: "127.0.0.1", port: listener.addr.port } as const;
    const trust = { hostname: "127.0.0.1", authorities: [], isInsecure };
    const giving = new AbortController();
    const dialed = originDialer(place, trust).connect(giving.signal);
    const socket = await listener.accept();
    giving.abort(new TypeError("given up"));
    assertEquals((await assertRejects(() => dialed, TypeError)).message, "given up");
    socket.close();
  }
});

Deno.test({
  name: "A dialer of a socket in the file system carries bytes, and says when it is not there",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/a b.sock`;
      const trust = { hostname: "localhost", authorities: [], isInsecure: false };
      const dialer = originDialer({ kind: "unix", path }, trust);
      assertInstanceOf(
        await dialer.connect(never()).catch((error: unknown) => error),
        Deno.errors.NotFound,
      );
      using listener = Deno.listen({ transport: "unix", path });
      const accepted = listener.accept();
      const socket = await dialer.connect(never());
      using peer = await accepted;
      await socket.write(new TextEncoder().encode("hello"));
      assertEquals(await peer.read(new Uint8Array(8)), 5);
      socket.close();
      assertEquals(await peer.read(new Uint8Array(8)), null);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

function never(): AbortSignal {
  return new AbortController().signal;
}

/** Sends many bytes over a connection, and returns how many of them came back unchanged. */
async function echoed(dialer: ReturnType<typeof originDialer>): Promise<number> {
  const socket = await within(dialer.connect(never()), "a connection");
  const sent = Uint8Array.from({ length: LONG }, (_, index) => index % 251);
  const writing = (async () => {
    for (let at = 0; at < LONG;) at += await socket.write(sent.subarray(at, at + 100_000));
  })();
  const buffer = new Uint8Array(64 * 1024);
  let same = 0;
  for (let at = 0; at < LONG;) {
    const read = await within(socket.read(buffer), "bytes that come back");
    if (read === null) break;
    for (let i = 0; i < read; i++) if (buffer[i] === (at + i) % 251) same++;
    at += read;
  }
  await writing;
  socket.close();
  return same;
}
