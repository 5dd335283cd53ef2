import { assertEquals, assertRejects } from "@std/assert";
import {
  type ConnectionReader,
  OriginConnection,
  READ_BUFFER,
} from "../../../../lib/client/services/local_http/origin_connection.ts";
import { RawOrigin, type Script } from "../../../testing/raw_origin.ts";

/** Waits for what a connection tells its reader. */
class Listener implements ConnectionReader {
  ends = 0;
  #heard = Promise.withResolvers<void>();

  received(): void {
    this.#heard.resolve();
  }

  ended(): void {
    this.ends++;
    this.#heard.resolve();
  }

  async next(connection: OriginConnection, most?: number): Promise<void> {
    this.#heard = Promise.withResolvers();
    connection.receive(most);
    await this.#heard.promise;
  }
}

interface Setting extends AsyncDisposable {
  readonly connection: OriginConnection;
  readonly listener: Listener;
  readonly origin: RawOrigin;
}

async function connect(script: Script): Promise<Setting> {
  const origin = new RawOrigin(script);
  const listener = new Listener();
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: origin.port });
  const connection = new OriginConnection(socket, listener);
  return {
    connection,
    listener,
    origin,
    async [Symbol.asyncDispose]() {
      connection.close();
      await origin[Symbol.asyncDispose]();
    },
  };
}

function textOf({ buffer, start, end }: OriginConnection): string {
  return new TextDecoder().decode(buffer.subarray(start, end));
}

Deno.test("OriginConnection.receive adds to what was not taken yet, and begins anew when all was", async () => {
  const next = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using setting = await connect(async (peer) => {
    await peer.send("abc");
    await next[0]?.promise;
    await peer.send("def");
    await next[1]?.promise;
    await peer.send("ghi");
    await peer.ended();
  });
  const { connection, listener } = setting;
  await listener.next(connection);
  assertEquals(textOf(connection), "abc");
  connection.start = 2;
  next[0]?.resolve();
  await listener.next(connection);
  assertEquals(textOf(connection), "cdef");
  connection.start = connection.end;
  next[1]?.resolve();
  await listener.next(connection);
  assertEquals([connection.start, textOf(connection)], [0, "ghi"]);
});

Deno.test("OriginConnection.receive makes room when the buffer is full", async () => {
  const data = Array.from({ length: 6554 }, (_, i) => `${i}`.padStart(9)).join(" ");
  await using setting = await connect(async (peer) => {
    await peer.send(data);
    await peer.ended();
  });
  const { connection, listener } = setting;
  while (connection.end < READ_BUFFER) await listener.next(connection);
  connection.start = 10;
  while (connection.end - connection.start < data.length - 10) await listener.next(connection);
  assertEquals(textOf(connection), data.slice(10));
});

Deno.test("OriginConnection.shelve gives the buffer back when nothing is in it and nothing asked for, until then", async () => {
  const next = Promise.withResolvers<void>();
  await using setting = await connect(async (peer) => {
    await peer.send("abc");
    await next.promise;
    await peer.send("def");
    await peer.ended();
  });
  const { connection, listener } = setting;
  await listener.next(connection);
  connection.shelve();
  assertEquals(textOf(connection), "abc");
  connection.start = connection.end;
  connection.shelve();
  assertEquals(connection.buffer.length, 0);
  const coming = listener.next(connection);
  connection.shelve();
  next.resolve();
  await coming;
  assertEquals([textOf(connection), connection.buffer.length], ["def", READ_BUFFER]);
});

Deno.test("OriginConnection reads 16 KiB at a time at first, and 64 once that was not enough for what is wanted", async () => {
  const data = "x".repeat(16 * READ_BUFFER);
  await using setting = await connect(async (peer) => {
    await peer.send(data);
    await peer.ended();
  });
  const { connection, listener } = setting;
  const short = READ_BUFFER / 4;
  // What is sent may come in parts.
  for (let filled = 0; filled < 2;) {
    connection.start = connection.end;
    await listener.next(connection, short);
    assertEquals(connection.buffer.length, short);
    if (connection.end === short) filled++;
  }
  connection.start = connection.end;
  await listener.next(connection);
  assertEquals(connection.buffer.length, READ_BUFFER);
});

Deno.test("OriginConnection tells that the origin has closed, but nothing after its own close", async () => {
  await using setting = await connect((peer) => peer.closeWrite());
  const { connection, listener } = setting;
  await listener.next(connection);
  assertEquals(listener.ends, 1);
  connection.receive();
  connection.close();
  connection.close();
  connection.receive();
  await setting.origin.finished();
  assertEquals([connection.closed, listener.ends], [true, 1]);
});

Deno.test("OriginConnection.write sends all bytes, and rejects when the connection is closed meanwhile", async () => {
  const size = 20 * 1024 * 1024;
  await using setting = await connect(async (peer) => {
    assertEquals((await peer.take(size)).length, size);
    await peer.send("x");
  });
  await using stalled = await connect(async (peer) => {
    await peer.until("never");
  });
  const { connection, listener } = setting;
  await connection.write(new Uint8Array(size));
  await listener.next(connection);
  assertEquals(textOf(connection), "x");
  const broken = assertRejects(() => stalled.connection.write(new Uint8Array(size)));
  stalled.connection.close();
  await broken;
});
