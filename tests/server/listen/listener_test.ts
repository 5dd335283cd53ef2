import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { LISTENER_KINDS, ListenError } from "../../../lib/server/listen/listener.ts";
import type { Certificate } from "../../../lib/server/tls/certificate_source.ts";
import { ByteReader } from "../../testing/byte_reader.ts";
import { eventually } from "../../testing/eventually.ts";
import { CERTIFICATE, RENEWED_CERTIFICATE } from "../../testing/certificate.ts";
import { answerWith, Listening, type ListeningOptions } from "../../testing/listening.ts";

const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

for (const kind of LISTENER_KINDS) {
  Deno.test(`A listener says which port it cannot have (${kind})`, async () => {
    const listener = listening({ kind });
    const error = assertThrows(() => listening({ kind, port: listener.port }), ListenError);
    assertEquals(error.code, "CANNOT_LISTEN");
    assertEquals(
      error.message,
      `cannot listen on 127.0.0.1:${listener.port}: the port is in use; stop what listens there, or ` +
        "take another port",
    );
    assert(error.cause instanceof Deno.errors.AddrInUse);
    await listener.shutdown();
  });

  Deno.test({
    name: `A listener shares its port with others that share it, and both are reached (${kind})`,
    ignore: Deno.build.os !== "linux",
  }, async () => {
    const one = listening({ kind, reusePort: true }, "one");
    const other = listening({ kind, reusePort: true, port: one.port }, "other");
    const seen = new Set<string>();
    while (seen.size < 2) seen.add(await ask(one.port));
    await one.shutdown();
    assertEquals(await ask(other.port), "other");
    await other.shutdown();
  });

  Deno.test(`Listener.dismiss tells each visitor with its next answer that the connection ends, and takes new ones (${kind})`, async () => {
    const listener = listening({ kind });
    const { port } = listener;
    using kept = await Deno.connect({ hostname: "127.0.0.1", port });
    const reader = new ByteReader(kept);
    const answer = async (): Promise<string> => {
      await kept.write(REQUEST);
      const head = await reader.readHead() ?? "";
      for (let left = "here".length; left > 0;) left -= (await reader.read(left))?.length ?? left;
      return head.toLowerCase();
    };
    assertFalse((await answer()).includes("connection: close"));
    listener.dismiss();
    assertStringIncludes(await answer(), "connection: close");
    // Deno leaves it to the visitor to end the connection.
    if (kind === "own") assertEquals(await reader.read(), null);
    assertEquals(await ask(port), "here");
    await listener.shutdown();
  });

  Deno.test(`Listener.renew serves with another certificate on the same port (${kind})`, async () => {
    const [old, renewed] = await certificates();
    const listener = listening({ kind, tls: old });
    const { port } = listener;
    await listener.check(renewed);
    const shut = listener.renew(renewed);
    await shut();
    await eventually("the new certificate", async () => {
      await trusting(renewed, port);
      return true;
    });
    await assertRejects(() => trusting(old, port));
    await listener.shutdown();
  });

  Deno.test(`Listener.check refuses anything but a certificate (${kind})`, async () => {
    const listener = listening({ kind });
    await assertRejects(() => listener.check({ cert: "none", key: "none" }));
    await listener.shutdown();
  });
}

Deno.test({
  name:
    "ServeListener.renew on a shared port serves with both certificates until the old socket is shut",
  ignore: Deno.build.os !== "linux",
}, async () => {
  const [old, renewed] = await certificates();
  const seen = new Set<boolean>();
  const listener = new Listening(({ listeningSocket }) => {
    seen.add(listeningSocket.isRetired);
    return answerWith("");
  }, { tls: old, reusePort: true });
  const shut = listener.renew(renewed);
  while (seen.size < 2) await ask(listener.port, [old, renewed]);
  await shut();
  for (let i = 0; i < 10; i++) await trusting(renewed, listener.port);
  await listener.shutdown();
});

function listening(options: ListeningOptions = {}, text = "here"): Listening {
  return new Listening(() => answerWith(text), options);
}

/** Sends one request over a connection of its own, over TLS when there are certificates to trust. */
async function ask(port: number, trusted: readonly Certificate[] = []): Promise<string> {
  const caCerts = trusted.map(({ cert }) => cert);
  using connection =
    await (trusted.length === 0
      ? Deno.connect({ hostname: "127.0.0.1", port })
      : Deno.connectTls({ hostname: "localhost", port, caCerts }));
  await connection.write(REQUEST);
  const buffer = new Uint8Array(1024);
  const count = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).split("\r\n\r\n")[1] ?? "";
}

/** Shakes hands with the listener, trusting one certificate alone. */
async function trusting({ cert }: Certificate, port: number): Promise<void> {
  using connection = await Deno.connectTls({ hostname: "localhost", port, caCerts: [cert] });
  await connection.handshake();
}

async function certificates(): Promise<readonly [Certificate, Certificate]> {
  const key = await Deno.readTextFile(CERTIFICATE.keyFile);
  const cert = await Deno.readTextFile(CERTIFICATE.certFile);
  return [{ cert, key }, { cert: await Deno.readTextFile(RENEWED_CERTIFICATE), key }];
}

Deno.test("ListenError says what to do about an address and a port that one may not have", () => {
  const words = (hostname: string, port: number, code: string) =>
    new ListenError({ hostname, port }, Object.assign(new Error("no"), { code })).message;
  assertEquals(
    words("0.0.0.0", 443, "EACCES"),
    "cannot listen on 0.0.0.0:443: permission denied; ports below 1024 are root's: take another " +
      "one, or have a service manager allow it (CAP_NET_BIND_SERVICE)",
  );
  assertEquals(
    words("::", 6519, "EACCES"),
    "cannot listen on [::]:6519: permission denied",
  );
  assertEquals(
    words("192.0.2.1", 6519, "EADDRNOTAVAIL"),
    "cannot listen on 192.0.2.1:6519: this machine has no such address; check --hostname",
  );
  assertEquals(
    words("0.0.0.0", 6519, "EMFILE"),
    "cannot listen on 0.0.0.0:6519: this program has as many files and connections open as it may; " +
      "see ulimit -n",
  );
});
