import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { frameOf, joined } from "../testing/frame_peer.ts";
import { toText } from "../testing/latin1.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startServer } from "../testing/tunnel.ts";
import { rawHead } from "../testing/heads.ts";

const { Data, HTTPRequest, HTTPResponse } = FrameType;

/** What a visitor's connection gives after the attack: a page of the server's own, whole and in its place. */
const HEALTHZ = "ok\n";

type Fields = readonly (readonly [name: string, value: string])[];

/** What a visitor gets in the end: a status and a body, or a connection that is cut within the body. */
type Outcome = readonly [status: number, body: string] | "cut";

interface Lie {
  readonly name: string;
  readonly fields?: Fields;
  readonly body: string;
  /** What follows when the body comes with its head, and when it comes after. */
  readonly together: Outcome;
  readonly apart: Outcome;
}

const BAD_GATEWAY: Outcome = [502, ""];

const LIES: readonly Lie[] = [
  {
    name: "less body than announced",
    fields: [["content-length", "10"]],
    body: "hello",
    together: BAD_GATEWAY,
    apart: "cut",
  },
  {
    name: "no body at all where one was announced",
    fields: [["content-length", "10"]],
    body: "",
    together: BAD_GATEWAY,
    apart: "cut",
  },
  {
    name: "more body than announced",
    fields: [["content-length", "3"]],
    body: "helHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    together: BAD_GATEWAY,
    apart: [200, "hel"],
  },
  ...["+5", "5, 5", "-5", "5;", "0x5", " 5", "", "five", "99999999999999999999"].map((length) => ({
    name: `a length of ${JSON.stringify(length)}`,
    fields: [["content-length", length]] as const,
    body: "hello",
    together: BAD_GATEWAY,
    apart: BAD_GATEWAY,
  })),
  {
    name: "two lengths",
    fields: [["content-length", "5"], ["content-length", "3"]],
    body: "hello",
    together: BAD_GATEWAY,
    apart: BAD_GATEWAY,
  },
  ...([
    ["transfer-encoding", "chunked"],
    ["transfer-encoding", "identity"],
    ["connection", "close"],
    ["connection", "content-type, x-hop"],
    ["keep-alive", "timeout=1000"],
    ["upgrade", "h2c"],
    ["trailer", "content-length"],
    ["te", "trailers"],
    ["proxy-connection", "keep-alive"],
  ] as const).map((field) => ({
    name: `the field of a connection, ${field.join(": ")}`,
    fields: [field],
    body: "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    together: [200, "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"] as const,
    apart: [200, "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"] as const,
  })),
];

Deno.test("a client that lies about the length of a body or frames it by itself splits no answer", async (t) => {
  await using server = await startServer();
  using client = await Subscriber.register(server);
  for (const { name, fields = [], body, together, apart } of LIES) {
    for (const isTogether of [true, false]) {
      await t.step(`${name}, ${isTogether ? "with its head" : "after its head"}`, async () => {
        using visitor = await RawHTTP.open(Number(server.url.port));
        await visitor.send(get(client.host, "/"));
        const { stream } = await client.frames.skipTo(HTTPRequest);
        const payload = rawHead("200", fields);
        const head = frameOf(HTTPResponse, { stream, payload });
        const data = frameOf(Data, { stream, flags: FrameFlag.EndStream, payload: body });
        if (isTogether) client.frames.sendBytes(joined(head, data));
        else client.frames.sendBytes(head);
        const answer = await visitor.receive();
        if (!isTogether) client.frames.sendBytes(data);
        const expected = isTogether ? together : apart;
        if (expected === "cut") {
          const error = await answer.body.readAll().then(() => null, (error: unknown) => error);
          assert(error !== null, "what was cut looked complete");
          return;
        }
        const text = toText(await answer.body.readAll());
        assertEquals([answer.status, answer.status === 200 ? text : ""], [...expected]);
        for (const field of ["keep-alive", "upgrade", "trailer", "te"]) {
          assertEquals(answer.head.all(field), []);
        }
        assertNotEquals(answer.head.get("transfer-encoding"), "identity");
        assert(answer.head.all("content-length").length <= 1);
        await assertInStep(visitor, server.url.host);
      });
    }
  }
});

Deno.test("a status that no visitor may get is 502, however it is spelled", async (t) => {
  await using server = await startServer();
  using client = await Subscriber.register(server);
  using visitor = await RawHTTP.open(Number(server.url.port));
  const statuses = [
    ...["99", "100", "101", "103", "199", "600", "999", "-200", "0", "200.5", "10000000000"],
    ...["", " 200", "200 ", "200 OK", "2e2", "0xc8", "HTTP/1.1 200 OK", "200\nx: y", "200\r\n"],
  ];
  for (const status of statuses) {
    await t.step(JSON.stringify(status), async () => {
      const answer = await answered(visitor, client, rawHead(status));
      assertEquals(answer.status, 502);
      await assertInStep(visitor, server.url.host);
    });
  }
});

Deno.test("no character in the name or value of a client's field splits an answer", async (t) => {
  await using server = await startServer();
  using client = await Subscriber.register(server);
  // All go over one connection of a visitor: one byte out of place would show in each that follows.
  using visitor = await RawHTTP.open(Number(server.url.port));
  for (let code = 0; code <= 0xff; code++) {
    const character = String.fromCharCode(code);
    await t.step(`U+${code.toString(16).padStart(4, "0")}`, async () => {
      for (const text of [`${character}ab`, `a${character}b`, `ab${character}`]) {
        const named = await answered(visitor, client, rawHead("200", [[text, "x"]]));
        assertEquals(named.status, isNameCharacter(character) ? 200 : 502);
        const valued = await answered(visitor, client, rawHead("200", [["x", text]]));
        const isValue = isValueCharacter(code) && !/^[ \t]|[ \t]$/.test(text);
        assertEquals(valued.status, isValue ? 200 : 502);
        if (isValue) assertEquals(valued.head.all("x"), [text]);
      }
    });
  }
  await assertInStep(visitor, server.url.host);
});

/** Asks once and answers with that head and no body. */
async function answered(
  visitor: RawHTTP,
  client: Subscriber & { readonly host: string },
  payload: Uint8Array,
) {
  await visitor.send(get(client.host, "/"));
  const { stream } = await client.frames.skipTo(HTTPRequest);
  client.frames.send(HTTPResponse, { stream, flags: FrameFlag.EndStream, payload });
  return await visitor.receiveAll();
}

/** Checks that the next answer on a connection is the one to the next request. */
async function assertInStep(visitor: RawHTTP, host: string): Promise<void> {
  const { status, text } = await visitor.exchange(get(host, "/healthz"));
  assertEquals([status, text], [200, HEALTHZ]);
}

function get(host: string, target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
}

function isNameCharacter(character: string): boolean {
  return /^[a-z0-9!#$%&'*+\-.^_`|~]$/.test(character);
}

function isValueCharacter(code: number): boolean {
  return code === 0x09 || (code >= 0x20 && code <= 0xff && code !== 0x7f);
}
