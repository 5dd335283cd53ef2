import { assert, assertEquals, assertRejects } from "@std/assert";
import { LISTENER_KINDS } from "../../../lib/server/listen/listener.ts";
import type { MessageSocket } from "../../../lib/websocket/bridge.ts";
import { FramingError } from "../../testing/byte_reader.ts";
import { eventually } from "../../testing/eventually.ts";
import { answerWith } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { openWebSocket } from "../../testing/websocket_peer.ts";
import { within } from "../../testing/within.ts";
import { CountedSource, PIECE, Scene } from "./scene.ts";

for (const kind of LISTENER_KINDS) {
  Deno.test(`A visit gives the head as it came, and whom it came from (${kind})`, async () => {
    await using scene = new Scene(
      kind,
      ({ method, target, scheme, authority, host, peer }) =>
        answerWith([method, target, scheme, authority, host, peer.hostname].join(" ")),
    );
    using visitor = await RawHTTP.open(scene.port);
    const ask = async (text: string) => (await visitor.exchange(text)).text;
    assertEquals(
      await ask("PURGE //a/../%2F?x=;y HTTP/1.1\r\nHost: A.test:80\r\n\r\n"),
      "PURGE //a/../%2F?x=;y http A.test:80 A.test:80 127.0.0.1",
    );
    assertEquals(
      await ask("GET http://b.test?c HTTP/1.1\r\nHost: a.test\r\n\r\n"),
      "GET /?c http b.test a.test 127.0.0.1",
    );
    assertEquals(
      await ask("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"),
      "OPTIONS * http a.test a.test 127.0.0.1",
    );
  });

  Deno.test(`Visit.readBody reads what came, with a length and in chunks, and is the same reader at each call (${kind})`, async () => {
    await using scene = new Scene(kind, async (visit) => {
      const reader = visit.readBody();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += new TextDecoder().decode(value);
      }
      return answerWith(`${JSON.stringify(visit.framing)} ${text} ${visit.readBody() === reader}`);
    });
    using visitor = await RawHTTP.open(scene.port);
    const post = async (rest: string) =>
      (await visitor.exchange(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`)).text;
    assertEquals(await post("Content-Length: 3\r\n\r\nabc"), '{"kind":"body","length":3} abc true');
    assertEquals(
      await post("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
      '{"kind":"body","length":null} abc true',
    );
  });

  Deno.test(`Visit.dropBody takes a body that nobody wants, also one that is being read (${kind})`, async () => {
    for (const isBegun of [false, true]) {
      await using scene = new Scene(kind, (visit) => {
        if (isBegun) visit.readBody();
        visit.dropBody();
        return answerWith("no", 413);
      });
      using visitor = await RawHTTP.open(scene.port);
      const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
      const { status } = await visitor.exchange(
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${
          chunk.repeat(20)
        }0\r\n\r\n`,
      );
      assertEquals(status, 413);
    }
  });

  Deno.test(`Visit.respond gives HEAD the length that is told, and none where none is (${kind})`, async () => {
    await using scene = new Scene(kind, ({ target }) => {
      if (target === "/whole") return answerWith("four");
      const fields = target === "/told" ? [["content-length", "7"]] as const : [];
      return { status: 200, fields, body: null };
    });
    using visitor = await RawHTTP.open(scene.port);
    const lengthOf = async (target: string) => {
      const { head } = await visitor.exchange(`HEAD ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, "HEAD");
      return head.get("content-length") ?? null;
    };
    assertEquals([await lengthOf("/whole"), await lengthOf("/told")], ["4", "7"]);
    assertEquals(await lengthOf("/unknown"), null);
    assertEquals(scene.outcomes.map(({ sent }) => sent), [0, 0, 0]);
  });

  Deno.test(`Visit.respond reads a body only as fast as the visitor takes it, and tells of the end then (${kind})`, async () => {
    const source = new CountedSource(1_000);
    await using scene = new Scene(kind, () => ({ status: 200, fields: [], body: source }));
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { body } = await visitor.receive();
    assert(source.count < 1_000, `${source.count} pieces were read ahead`);
    assertEquals(scene.outcomes, []);
    assertEquals((await body.readAll()).length, 1_000 * PIECE);
    await eventually("the outcome", () => scene.outcomes.length === 1);
    const [outcome] = scene.outcomes;
    assertEquals([outcome?.status, outcome?.sent], [200, 1_000 * PIECE]);
    assert((outcome?.time ?? 0) >= (outcome?.headTime ?? Infinity));
  });

  Deno.test(`Visit.respond cuts the connection of a body that breaks off, and tells of it once (${kind})`, async () => {
    await using scene = new Scene(kind, () => {
      const pieces = [new Uint8Array(3)];
      return {
        status: 200,
        fields: [],
        body: {
          read() {
            const bytes = pieces.shift();
            if (bytes === undefined) throw new Error("the origin is gone");
            return { bytes };
          },
          cancel() {},
        },
      };
    });
    using visitor = await RawHTTP.open(scene.port);
    await visitor.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { body } = await visitor.receive();
    const { code } = await assertRejects(() => body.readAll(), FramingError);
    assertEquals(code, "truncated");
    assertEquals(scene.outcomes.map(({ sent }) => sent), [3]);
  });

  Deno.test(`Visit.respond cancels the body of a visitor that leaves while it comes (${kind})`, async () => {
    const source = new CountedSource(Infinity);
    await using scene = new Scene(kind, () => ({ status: 200, fields: [], body: source }));
    const visitor = await RawHTTP.open(scene.port);
    await visitor.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await visitor.receive();
    visitor.close();
    await within(source.cancelled, "the end of the body");
    await eventually("the outcome", () => scene.outcomes.length === 1);
  });

  Deno.test(`Visit.watch tells of a visitor that leaves, and of no other (${kind})`, async () => {
    const left: string[] = [];
    const arrived: string[] = [];
    const done = Promise.withResolvers<void>();
    await using scene = new Scene(kind, async (visit) => {
      const gone = Promise.withResolvers<void>();
      const leave = (): void => {
        left.push(visit.target);
        gone.resolve();
      };
      const watch = visit.watch({ leave });
      arrived.push(visit.target);
      await (visit.target === "/stays" ? done.promise : gone.promise);
      watch.end();
      return answerWith("bye");
    });
    const visit = async (target: string) => {
      const visitor = await RawHTTP.open(scene.port);
      await visitor.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return visitor;
    };
    using stays = await visit("/stays");
    using leaves = await visit("/leaves");
    await eventually("both visitors", () => arrived.length === 2);
    leaves.close();
    await eventually("one to leave", () => left.length === 1);
    done.resolve();
    assertEquals((await stays.receiveAll()).text, "bye");
    assertEquals(left, ["/leaves"]);
  });

  Deno.test(`Visit.accept opens a WebSocket with its subprotocol and fields, which is over at its end (${kind})`, async () => {
    const sockets: MessageSocket[] = [];
    await using scene = new Scene(kind, (visit) => {
      const socket = visit.accept({
        protocol: "b",
        idleTimeout: 0,
        onOpen: () => {
          visit.sent += 5;
          socket.send("hello");
        },
      });
      sockets.push(socket);
      return { status: 101, fields: [["x-a", "1"]], body: null };
    });
    using visitor = await openWebSocket(`ws://127.0.0.1:${scene.port}/`, { offered: ["a", "b"] });
    assertEquals([visitor.socket.protocol, await visitor.next()], ["b", "hello"]);
    assertEquals(scene.outcomes, []);
    sockets[0]?.close(1000, "");
    await visitor.closed;
    await eventually("the outcome", () => scene.outcomes.length === 1);
    assertEquals([scene.outcomes[0]?.status, scene.outcomes[0]?.sent], [101, 5]);
  });

  Deno.test(`Visit.accept takes one of the subprotocols that are offered, however the list is written (${kind})`, async () => {
    await using scene = new Scene(kind, (visit) => {
      visit.accept({ protocol: "b", idleTimeout: 0, onOpen() {} });
      return { status: 101, fields: [], body: null };
    });
    const handshake = async (offered: string) => {
      using visitor = await RawHTTP.open(scene.port);
      await visitor.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${offered}\r\n`,
      );
      return await visitor.receive();
    };
    for (const list of ["a,b", "a, b", "b"]) {
      const { status, head } = await handshake(`Sec-WebSocket-Protocol: ${list}\r\n`);
      assertEquals([status, head.get("sec-websocket-protocol")], [101, "b"], list);
    }
    for (const line of ["Sec-WebSocket-Protocol: a, bb\r\n", ""]) {
      assertEquals((await handshake(line)).status, 500, line);
    }
  });

  Deno.test(`A visit that fails inside the server is answered and told of, whether before its answer or with it (${kind})`, async () => {
    await using scene = new Scene(kind, ({ target }) => {
      if (target === "/throws") throw new Error("a mistake");
      return { status: 42, fields: [], body: null };
    });
    using visitor = await RawHTTP.open(scene.port);
    for (const target of ["/throws", "/nonsense"]) {
      assertEquals(
        (await visitor.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)).status,
        500,
      );
    }
    assertEquals(scene.outcomes.map(({ status, code }) => [status, code]), [
      [500, "internal"],
      [500, "internal"],
    ]);
  });
}
