import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import {
  type Certificate,
  type Fate,
  Listener,
  type ListenerOptions,
  ListenError,
  type Peer,
} from "../../../lib/server/listen/serve_listener.ts";
import { eventually } from "../../testing/eventually.ts";
import { CERTIFICATE, RENEWED_CERTIFICATE } from "../../testing/certificate.ts";

Deno.test("Listener says which port it cannot have", async () => {
  const listener = new Listener(options());
  const error = assertThrows(() => new Listener(options({ port: listener.port })), ListenError);
  assertEquals([error.code, error.port], ["CANNOT_LISTEN", listener.port]);
  assert(error.cause instanceof Deno.errors.AddrInUse);
  await listener.shutdown();
});

Deno.test({
  name: "Listener shares its port with others that share it, and both are reached",
  ignore: Deno.build.os !== "linux",
}, async () => {
  const one = new Listener(options({ reusePort: true, handler: () => new Response("one") }));
  const other = new Listener(
    options({ reusePort: true, port: one.port, handler: () => new Response("other") }),
  );
  const seen = new Set<string>();
  while (seen.size < 2) seen.add(await ask(one.port));
  await one.shutdown();
  assertEquals(await ask(other.port), "other");
  await other.shutdown();
});

Deno.test("Listener.renew serves with another certificate on the same port", async () => {
  const [old, renewed] = await certificates();
  const listener = new Listener(options({ tls: old }));
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

Deno.test({
  name:
    "Listener.renew on a shared port serves with both certificates until the old socket is shut",
  ignore: Deno.build.os !== "linux",
}, async () => {
  const [old, renewed] = await certificates();
  const seen = new Set<boolean>();
  const handler = (_request: Request, _peer: Peer, { isRetired }: Fate) => {
    seen.add(isRetired);
    return new Response();
  };
  const listener = new Listener(options({ tls: old, reusePort: true, handler }));
  const shut = listener.renew(renewed);
  while (seen.size < 2) await ask(listener.port, [old, renewed]);
  await shut();
  for (let i = 0; i < 10; i++) await trusting(renewed, listener.port);
  await listener.shutdown();
});

Deno.test("Listener.check refuses what is no certificate", async () => {
  const listener = new Listener(options());
  await assertRejects(() => listener.check({ cert: "none", key: "none" }));
  await listener.shutdown();
});

function options(given: Partial<ListenerOptions> = {}): ListenerOptions {
  return {
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    tls: null,
    handler: () => new Response("here"),
    onError: () => new Response(null, { status: 500 }),
    log: new Log({ format: "text", level: "error" }),
    ...given,
  };
}

/** Sends one request over a connection of its own, over TLS when there are certificates to trust. */
async function ask(port: number, trusted: readonly Certificate[] = []): Promise<string> {
  const caCerts = trusted.map(({ cert }) => cert);
  using connection =
    await (trusted.length === 0
      ? Deno.connect({ hostname: "127.0.0.1", port })
      : Deno.connectTls({ hostname: "localhost", port, caCerts }));
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
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
