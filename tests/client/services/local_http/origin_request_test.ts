import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  originRequest,
  writtenRequest,
} from "../../../../lib/client/services/local_http/origin_request.ts";
import { relayRequestHead } from "../../../../lib/client/services/local_http/request_relay.ts";
import { OriginError } from "../../../../lib/http/origin_error.ts";
import { StreamError } from "../../../../lib/wire/errors.ts";
import { encodeRequestHead, type Field } from "../../../../lib/wire/head.ts";
import { toBytes, toText } from "../../../testing/latin1.ts";

const HOST: Field = ["host", "app.example"];

/** What a head looks like on the wire, and written for the origin; whether it takes the short way. */
interface Case {
  readonly json: string;
  readonly host?: string;
  readonly written: string;
  readonly length?: number;
}

function head(fields: readonly Field[], method = "GET", target = "/"): string {
  return JSON.stringify({ method, target, fields });
}

const RELAYED: readonly Case[] = [
  { json: head([]), written: "GET / HTTP/1.1\r\n" },
  { json: head([HOST], "OPTIONS", "*"), written: "OPTIONS * HTTP/1.1\r\nhost: app.example\r\n" },
  {
    json: head([HOST, ["x", "1"], ["accept", ""], ["x", "2"]], "M-SEARCH", "//x/../%2e?a='<>#f"),
    written: "M-SEARCH //x/../%2e?a='<>#f HTTP/1.1\r\n" +
      "host: app.example\r\nx: 1\r\naccept: \r\nx: 2\r\n",
  },
  {
    json: head([["if-none-match", '"a\\b"'], ["forwarded", 'host="a:1"']]),
    written: 'GET / HTTP/1.1\r\nif-none-match: "a\\b"\r\nforwarded: host="a:1"\r\n',
  },
  {
    json: head([["content-length", "012"], HOST, ["content-type", "a/b"]], "POST"),
    written: "POST / HTTP/1.1\r\nhost: app.example\r\ncontent-type: a/b\r\n",
    length: 12,
  },
  {
    json: head([["a", "1"], HOST, ["b", "2"]]),
    host: "localhost:8080",
    written: "GET / HTTP/1.1\r\na: 1\r\nhost: localhost:8080\r\nb: 2\r\n",
  },
  { json: head([["a", "1"]]), host: "localhost", written: "GET / HTTP/1.1\r\na: 1\r\n" },
  {
    json: head([["user-agent", "x"], ["x-forwarded-host", "y"], ["sec-fetch-mode", "z"]]),
    written: "GET / HTTP/1.1\r\nuser-agent: x\r\nx-forwarded-host: y\r\nsec-fetch-mode: z\r\n",
  },
];

const DECODED: readonly Case[] = [
  { json: ` ${head([])}`, written: "GET / HTTP/1.1\r\n" },
  { json: '{"target":"/","method":"GET","fields":[]}', written: "GET / HTTP/1.1\r\n" },
  { json: head([], "GET", "/é"), written: "GET /Ã© HTTP/1.1\r\n" },
  { json: head([["x", "é\t"]]), written: "GET / HTTP/1.1\r\nx: é\t\r\n" },
  {
    json: head([["te", "x"], ["upgrade", "y"], ["a", "b"]]),
    written: "GET / HTTP/1.1\r\na: b\r\n",
  },
  {
    json: head([["connection", "a, close"], ["a", "b"], HOST]),
    written: "GET / HTTP/1.1\r\nhost: app.example\r\n",
  },
  { json: head([["proxy-authorization", "x"]]), written: "GET / HTTP/1.1\r\n" },
  {
    json: head([["x", "y".repeat(20_000)]]),
    written: `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n`,
  },
  {
    json: head([["content-length", "9007199254740991"]], "PUT"),
    written: "PUT / HTTP/1.1\r\n",
    length: Number.MAX_SAFE_INTEGER,
  },
];

Deno.test("originRequest writes the start line and the fields of a head, and tells its length", () => {
  for (const { json, host = null, written, length = null } of [...RELAYED, ...DECODED]) {
    const request = originRequest(new TextEncoder().encode(json), host);
    assertEquals(toText(request.buffer.subarray(0, request.written)), written);
    assertEquals([request.method, request.length], [written.split(" ")[0] ?? "", length]);
    assert(request.buffer.length - request.written >= 40, "no room for what frames a body");
  }
});

Deno.test("relayRequestHead takes what this project writes and leaves all else to the decoder", () => {
  for (const { json, host = null } of RELAYED) {
    assert(relayRequestHead(new TextEncoder().encode(json), host) !== undefined, json);
  }
  for (const { json, host = null } of DECODED) {
    assertEquals(relayRequestHead(new TextEncoder().encode(json), host), undefined, json);
  }
  const usual = encodeRequestHead({ method: "GET", target: "/", fields: [HOST, ["etag", '"x"']] });
  assert(relayRequestHead(usual, null) !== undefined);
});

Deno.test("originRequest refuses what must not reach an origin", () => {
  const refused = [
    head([], "CONNECT"),
    head([], ""),
    head([], "GE T"),
    head([], "GET", "x"),
    head([], "GET", "*x"),
    head([], "GET", "/a b"),
    head([], "GET", "/\r\n"),
    head([["X", "y"]]),
    head([["", "y"]]),
    head([["a b", "y"]]),
    head([["x", "y\r\nz: 1"]]),
    head([["x", "y\0"]]),
    head([["x", "Ā"]]),
    head([HOST, HOST]),
    head([["content-length", "1"], ["content-length", "1"]]),
    head([["content-length", "+1"]]),
    head([["content-length", ""]]),
    head([["content-length", "99999999999999999"]]),
    head(Array.from({ length: 257 }, () => HOST)),
    '{"method":"GET","target":"/","fields":[["x","y"],]}',
    '{"method":"GET","target":"/","fields":[["x","y"]]',
    '{"method":"GET","target":"/","fields":[["x","y"]]}}',
    '{"method":"GET","target":"/","fields":[["x","y","z"]]}',
    '{"method":"GET","target":"/","fields":[["x","y\\q"]]}',
    '{"method":"GET","target":"/","fields":[["x","y\\',
  ];
  for (const json of refused) {
    const error = assertThrows(() => originRequest(toBytes(json), null));
    assert(error instanceof StreamError || error instanceof OriginError, json);
  }
});

Deno.test("writtenRequest takes heads that are longer than its buffers", () => {
  const value = "x".repeat(100_000);
  const { buffer, written } = writtenRequest({
    method: "GET",
    target: "/",
    fields: [["a", value]],
  });
  assertEquals(toText(buffer.subarray(0, written)), `GET / HTTP/1.1\r\na: ${value}\r\n`);
});
