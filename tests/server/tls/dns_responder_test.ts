import { assert, assertEquals, assertMatch } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { DNSResponder } from "../../../lib/server/tls/dns_responder.ts";
import { eventually } from "../../testing/eventually.ts";
import { freePort } from "../../testing/free_port.ts";
import { SILENT } from "../../testing/listening.ts";
import { within } from "../../testing/within.ts";
import { readAnswer, writeQuery } from "./dns_query.ts";

const NAME = "_acme-challenge.tunnel.example.com";

/** Queries that bring one address to the end of what it may have: 20 at once, and more as time goes by. */
const MANY = 60;

Deno.test("DNSResponder answers over UDP and TCP with the texts that it has now", async () => {
  await using running = start();
  const { responder } = running;
  responder.add("one");
  const nameServer = { ipAddr: "127.0.0.1", port: responder.port };
  assertEquals(await Deno.resolveDns(`${NAME}.`, "TXT", { nameServer }), [["one"]]);
  using connection = await connect(responder);
  responder.add("two");
  responder.remove("one");
  for (let i = 0; i < 2; i++) {
    assertEquals(readAnswer(await askOver(connection)).answers, [`${NAME} TXT two`]);
  }
});

Deno.test("DNSResponder asks an address that asks too often to come over TCP, where nothing is left out", async () => {
  await using running = start();
  const { responder } = running;
  responder.add("one");
  using owned = new DisposableStack();
  const socket = owned.adopt(
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
    (socket) => socket.close(),
  );
  const query = writeQuery({ name: NAME });
  let cut = 0;
  for (let i = 0; i < MANY; i++) {
    await socket.send(query, { transport: "udp", hostname: "127.0.0.1", port: responder.port });
    const [bytes] = await within(socket.receive(), "an answer");
    const { isTruncated, answers } = readAnswer(bytes);
    assertEquals(answers.length, isTruncated ? 0 : 1);
    if (isTruncated) assert(bytes.length <= query.length);
    cut += Number(isTruncated);
  }
  assert(cut > 0);
  using connection = await connect(responder);
  assertEquals(readAnswer(await askOver(connection)).answers.length, 1);
});

Deno.test("DNSResponder closes connections that send what is no query, too many of them, or too many at once", async (t) => {
  await using running = start();
  const { responder } = running;
  for (
    const [name, bytes] of [
      ["a length that no query has", [0x40, 0]],
      ["what is no message", [0, 2, 1, 2]],
      ["an answer", [0, 12, 1, 2, 0x80, ...Array(9).fill(0)]],
    ] as const
  ) {
    await t.step(name, async () => {
      using connection = await connect(responder);
      await connection.write(Uint8Array.from(bytes));
      await within(ended(connection), "the end");
    });
  }
  await t.step("more than 16 queries", async () => {
    using connection = await connect(responder);
    for (let i = 0; i < 16; i++) await askOver(connection);
    await within(ended(connection), "the end");
  });
  await t.step("more than 8 connections of one address", async () => {
    using held = new DisposableStack();
    for (let i = 0; i < 8; i++) {
      await askOver(held.use(await connect(responder)));
    }
    using last = await connect(responder);
    await within(ended(last), "the end");
  });
});

Deno.test("DNSResponder says why it cannot listen, and answers as soon as the port is free", async () => {
  const port = freePort();
  const lines: string[] = [];
  const log = new Log({ format: "text", level: "info", write: (line) => lines.push(line) });
  const other = Deno.listen({ hostname: "127.0.0.1", port });
  await using running = start({ port, log });
  const { responder } = running;
  try {
    assertMatch(
      responder.problem ?? "",
      /^cannot answer DNS queries on 127\.0\.0\.1:\d+: the port is in use; .*--acme-dns-port/,
    );
    assertEquals(lines.length, 1);
  } finally {
    other.close();
  }
  await eventually("the port", () => responder.problem === null);
  assertMatch(lines.at(-1) ?? "", /DNS queries are answered now/);
  using connection = await connect(responder);
  await askOver(connection);
});

Deno.test("DNSResponder takes the machine's own addresses where a local resolver has the port", async () => {
  const port = freePort();
  // As systemd-resolved does on 127.0.0.53.
  using _tcp = Deno.listen({ hostname: "127.0.0.53", port });
  using owned = new DisposableStack();
  owned.adopt(
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.53", port }),
    (socket) => socket.close(),
  );
  const hasAddress = Deno.networkInterfaces()
    .some(({ address, family }) => family === "IPv4" && !address.startsWith("127."));
  await using running = start({ port, hostname: "0.0.0.0" });
  const { responder } = running;
  if (!hasAddress) return assertMatch(responder.problem ?? "", /in use/);
  assertEquals(responder.problem, null);
});

function start(
  options: Partial<ConstructorParameters<typeof DNSResponder>[0]> = {},
): { readonly responder: DNSResponder } & AsyncDisposable {
  const responder = new DNSResponder({
    hostname: "127.0.0.1",
    port: 0,
    name: NAME,
    log: SILENT,
    ...options,
  });
  return {
    responder,
    async [Symbol.asyncDispose]() {
      responder.close();
      // What was closed ends in a later turn.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

async function connect(responder: DNSResponder): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: "127.0.0.1", port: responder.port });
}

async function askOver(connection: Deno.Conn): Promise<Uint8Array> {
  const query = writeQuery({ name: NAME });
  await connection.write(Uint8Array.of(query.length >> 8, query.length & 0xff, ...query));
  const bytes: number[] = [];
  const buffer = new Uint8Array(1024);
  for (;;) {
    const length = 2 + ((bytes[0] ?? 0) << 8 | (bytes[1] ?? 0));
    if (bytes.length > 2 && bytes.length >= length) return Uint8Array.from(bytes.slice(2));
    const count = await within(connection.read(buffer), "an answer");
    if (count === null) throw new Error("the connection ended");
    bytes.push(...buffer.subarray(0, count));
  }
}

/** Reads to the end of a connection; one that is reset has ended too. */
async function ended(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await connection.read(buffer) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}
