import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeBase64Url } from "@std/encoding/base64url";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import * as password from "../../lib/identity/password_hash.ts";
import * as policy from "../../lib/identity/visitor_policy.ts";
import { ErrorCode, SessionError, StreamError } from "../../lib/wire/errors.ts";
import { FEATURES } from "../../lib/wire/features.ts";
import { decodeFrames, FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import type { Field } from "../../lib/http/fields.ts";
import { decodeRequestHead, decodeResponseHead } from "../../lib/wire/head.ts";
import { END_TO_END, HOP_BY_HOP, withoutHopByHop } from "../../lib/http/fields.ts";
import { allowedTrailers, HEAD_ONLY, HEAD_ONLY_BEGINNINGS } from "../../lib/http/trailers.ts";
import { ALL_STREAM_IDS } from "../../lib/mux/stream_table.ts";
import * as limits from "../../lib/wire/limits.ts";
import {
  decodeChallenge,
  decodeRequest,
  SUBPROTOCOL,
  SUBSCRIBE_PATH,
} from "../../lib/wire/messages.ts";
import { REFUSAL_CODES } from "../../lib/wire/registration_error.ts";
import { thumbprintOf, tunnelId } from "../../lib/identity/thumbprint.ts";
import { proveToken } from "../../lib/identity/token_proof.ts";
import { RFC_8037_KEY } from "../testing/ed25519.ts";
import { frameOf } from "../testing/frame_peer.ts";
import { GOLDEN_FRAMES, goldenFrame } from "../testing/golden_frames.ts";
import { readAnswer } from "../testing/answer_reading.ts";
import { toBytes } from "../testing/latin1.ts";
import {
  originAnswers,
  PROTOCOL_DOCUMENT as DOCUMENT,
  refusedHeads,
  tableOf as table,
} from "../testing/protocol_document.ts";

const HEADS = [["request", decodeRequestHead], ["response", decodeResponseHead]] as const;

/** Bits of the flags, as the document calls them. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ["END_STREAM", FrameFlag.EndStream],
  ["TEXT", FrameFlag.Text],
  ["MORE", FrameFlag.More],
]);

Deno.test("PROTOCOL.md shows every golden frame once, byte for byte", () => {
  const shown = [...DOCUMENT.matchAll(/^```hex\n# ([a-z-]+): (.*)\n([^`]*)```$/gm)];
  assertEquals(
    shown.map(([, name]) => name).toSorted(),
    GOLDEN_FRAMES.map(({ name }) => name).toSorted(),
  );
  for (const [, name, title = "", dump = ""] of shown) {
    const frame = GOLDEN_FRAMES.find((each) => each.name === name);
    assert(frame !== undefined);
    assertEquals(bytesOfDump(dump), encodeHex(frame.bytes), name);
    assert(title.startsWith(frame.type), `${name} is a ${frame.type}`);
    for (const [flag, bit] of FLAGS) {
      assertEquals(title.includes(flag), (frame.flags & bit) !== 0, `${name}: ${flag}`);
    }
  }
  assertEquals(shown.length, DOCUMENT.match(/^```hex$/gm)?.length, "no dump without a name");
});

Deno.test("PROTOCOL.md lists every type of frame with its number", () => {
  const listed = table("type").map(([name, number]) => [name, Number(number)]);
  assertEquals(listed, Object.entries(FrameType));
});

for (const [name = "", number, , stream, flags = "", min, max] of table("type")) {
  Deno.test(`PROTOCOL.md and the codec agree on where, how long and with which flags a ${name} is`, () => {
    const type = Number(number);
    const allowed = flagsOf(flags);
    const id = stream === "0" ? 0 : 7;
    const accepts = (at: number, length: number): boolean => {
      try {
        return flagsSeen(frameOf(type, { stream: at, payload: new Uint8Array(length) })) === 0;
      } catch (error) {
        assert(error instanceof SessionError);
        return false;
      }
    };
    const [shortest, longest] = [Number(min), Number(max)];
    assert(accepts(id, shortest) && accepts(id, longest));
    assert(shortest === 0 || !accepts(id, shortest - 1), "a byte too short");
    assert(!accepts(id, longest + 1), "a byte too long");
    assert(!accepts(id === 0 ? 7 : 0, shortest), "on the other kind of stream");
    const flagged = frameOf(type, { flags: 0xff, stream: id, payload: new Uint8Array(shortest) });
    assertEquals(flagsSeen(flagged), allowed, "the flags that are not ignored");
    const long = assertThrows(
      () =>
        decodeFrames(frameOf(type, { stream: id, payload: new Uint8Array(longest + 1) }), () => {}),
      SessionError,
    );
    assertEquals(long.code, ErrorCode.TooLarge);
  });
}

Deno.test("PROTOCOL.md lists every feature, and shows the challenge that offers them", () => {
  assertEquals(table("feature").map(([name]) => unquoted(name)), [...FEATURES]);
  assertEquals(decodeChallenge(goldenFrame("challenge").payload).features, FEATURES);
});

Deno.test("PROTOCOL.md lists every flag with its bit", () => {
  assertEquals(table("flag").map(([name, bit]) => [name, Number(bit)]), [...FLAGS]);
  assertEquals([...FLAGS.values()], Object.values(FrameFlag));
});

Deno.test("PROTOCOL.md lists every limit and every choice with the value that the code has", () => {
  const listed = [...table("limit"), ...table("choice")]
    .map(([name, value]): [string, number] => [name ?? "", Number(value)]);
  assertEquals(Object.fromEntries(listed), { ...limits });
  assertEquals(listed.length, Object.keys(limits).length, "none twice");
});

Deno.test("PROTOCOL.md lists every code with its number", () => {
  assertEquals(
    table("code").map(([name, number]) => [name, Number(number)]),
    Object.entries(ErrorCode),
  );
});

Deno.test("PROTOCOL.md lists every refusal, and says of each whether it is permanent", () => {
  const rows = table("refusal");
  assertEquals(rows.map(([name]) => unquoted(name)), [...REFUSAL_CODES]);
  const passing = rows.filter(([, permanent]) => permanent === "no");
  assertEquals(passing.map(([name]) => unquoted(name)), ["timeout", "try_again"]);
  assert(rows.every(([, permanent]) => permanent === "yes" || permanent === "no"));
});

Deno.test("PROTOCOL.md works the id of the RFC's key out as the code does", async () => {
  const { publicKey, pkcs8 } = RFC_8037_KEY;
  const shown = new Map(table("what").map(([name, value]) => [name, unquoted(value)]));
  const thumbprint = await thumbprintOf(publicKey);
  assertEquals(shown.get("public key"), encodeHex(publicKey));
  assertEquals(shown.get("private key"), encodeHex(pkcs8.subarray(-32)));
  assertEquals(shown.get("thumbprint"), thumbprint);
  assertEquals(shown.get("id"), await tunnelId(thumbprint));
  assertEquals(shown.get("id with the label `blog`"), await tunnelId(thumbprint, "blog"));
});

Deno.test("PROTOCOL.md shows what the golden registration signs", () => {
  const [, block = ""] = /```json\n([^`]*)```/.exec(DOCUMENT) ?? [];
  const shown = block.trim().split("\n").map((line) => line.trim());
  const [header = "", payload = ""] = decodeRequest(goldenFrame("registration").payload).jws.split(
    ".",
  );
  const signed = [header, payload].map((part) => new TextDecoder().decode(decodeBase64Url(part)));
  assertEquals(shown, signed);
});

Deno.test("PROTOCOL.md proves a token for the golden registration as the code does", async () => {
  const [, token = "", proof = ""] =
    /With the token\s+`(.*)`\s+the proof of the registration above is\s+`(.*)`/.exec(DOCUMENT) ??
      [];
  const { jws } = decodeRequest(goldenFrame("registration").payload);
  assertEquals(proof, await proveToken(token, jws));
});

Deno.test("PROTOCOL.md has the bounds of the visitor policy that the code has", () => {
  const meaning = new Map([...table("member of `policy`"), ...table("member of `basicAuth`")]
    .map(([name, , text = ""]) => [unquoted(name), text]));
  const bounds: Record<string, readonly number[]> = {
    basicAuth: [1, policy.MAX_USERS],
    login: [],
    allowIp: [1, policy.MAX_ALLOWED],
    rate: [1, policy.MAX_LIMIT],
    streams: [1, policy.MAX_LIMIT],
    body: [1, policy.MAX_LIMIT],
    timeout: [1, policy.MAX_LIMIT],
    user: [1, password.MAX_USER_LENGTH],
    salt: [password.SALT_LENGTH],
    hash: [password.HASH_LENGTH],
    iterations: [password.MIN_ITERATIONS, password.MAX_ITERATIONS],
  };
  assertEquals([...meaning.keys()], Object.keys(bounds));
  for (const [name, numbers] of Object.entries(bounds)) {
    for (const number of numbers) assert(meaning.get(name)?.includes(`${number}`), name);
  }
});

Deno.test("PROTOCOL.md shows heads that the code accepts", () => {
  const [, section = ""] = /\n## 5\. Heads\n([^]*?)\n- /.exec(DOCUMENT) ?? [];
  const shown = section.split("\n\n").filter((block) => block.startsWith("    "))
    .map((block) => block.replace(/^ {4}(.*)$\n?/gm, "$1\r\n"));
  const [request = "", response = "", ...others] = shown;
  assertEquals(others, []);
  assertEquals(decodeRequestHead(toBytes(request)).target, "/caf%C3%A9?q=%20");
  assertEquals(decodeResponseHead(toBytes(response)).fields.length, 2);
});

for (const [title, decode] of HEADS) {
  Deno.test(`PROTOCOL.md lists what is refused in a ${title}, and the code refuses each`, () => {
    const rows = refusedHeads(title);
    assert(rows.length > 5);
    for (const { rule, head } of rows) {
      const error = assertThrows(() => decode(toBytes(head)), StreamError, undefined, rule);
      assertEquals(error.code, ErrorCode.Protocol);
    }
  });
}

Deno.test("PROTOCOL.md lists what is mended in an origin's answer, and the code reads each as the right one", () => {
  const rows = originAnswers("mended");
  assert(rows.length > 5);
  for (const { fault, answer } of rows) {
    const { head, body, mended, isWhole } = readAnswer([toBytes(answer)]);
    assertEquals([head?.status, body, isWhole], [200, "ok", true], fault);
    assertEquals(mended.length, 1, fault);
  }
});

Deno.test("PROTOCOL.md lists what is refused in an origin's answer, and the code takes none of it for whole", () => {
  const rows = originAnswers("refused");
  assert(rows.length > 10);
  for (const { fault, answer } of rows) {
    const { error, isWhole } = readAnswer([toBytes(answer)]);
    assertEquals([error !== null, isWhole], [!fault.startsWith("the end"), false], fault);
  }
});

Deno.test("PROTOCOL.md names the fields of one hop, which the code drops", () => {
  const [, paragraph = ""] = /- (Fields that concern one hop[^]*?)\n- /.exec(DOCUMENT) ?? [];
  const names = [...paragraph.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name);
  assertEquals(names.length, 10);
  const fields = names.map((name): Field => [name, "x"]);
  assertEquals(withoutHopByHop(fields), []);
});

Deno.test("PROTOCOL.md names the fields that Connection cannot take away", () => {
  const [, paragraph = ""] = /- (Fields that are meant for every[^]*?)\n- /.exec(DOCUMENT) ?? [];
  const names = [...paragraph.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name)
    .filter((name) => name !== "connection");
  assertEquals(names, [...END_TO_END]);
  const fields = names.map((name): Field => [name, "x"]);
  assertEquals(withoutHopByHop([["connection", names.join(", ")], ...fields]), fields);
});

Deno.test("PROTOCOL.md names the fields that may not be trailers, which the code drops", () => {
  const [, paragraph = ""] = /those that are meant for\nevery recipient, and (`age`[^]*?)\.\n/
    .exec(DOCUMENT) ?? [];
  const names = [...paragraph.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name);
  assertEquals(names, [...HEAD_ONLY, ...HEAD_ONLY_BEGINNINGS]);
  const dropped = [...names, ...HOP_BY_HOP, ...END_TO_END].map((name): Field => [name, "x"]);
  const passed: Field = ["content-digest", "sha-256=:x:"];
  assertEquals(allowedTrailers([...dropped, passed]), [passed]);
});

Deno.test("PROTOCOL.md says how many ids before the last another session is asked for", () => {
  assert(DOCUMENT.includes(`the GOAWAY ${ALL_STREAM_IDS.margin} ids before`));
});

Deno.test("PROTOCOL.md names the path and the subprotocol", () => {
  assert(DOCUMENT.includes(`\`${SUBSCRIBE_PATH}\``));
  assert(DOCUMENT.includes(`\`${SUBPROTOCOL}\``));
});

/** Returns the flags with which the codec hands a frame over. */
function flagsSeen(message: Uint8Array<ArrayBuffer>): number | undefined {
  let seen: number | undefined;
  decodeFrames(message, (_type, flags) => seen = flags);
  return seen;
}

function unquoted(cell: string | undefined): string {
  return (cell ?? "").replace(/^`(.*)`$/, "$1");
}

function flagsOf(cell: string): number {
  if (cell === "none") return 0;
  return cell.split(", ").reduce((bits, name) => bits | (FLAGS.get(name) ?? 0x80), 0);
}

/** Returns the bytes of a dump as plain hexadecimal, without the text beside them. */
function bytesOfDump(dump: string): string {
  const digits = dump.replace(/\|.*\|$/gm, "").replace(/\s/g, "");
  return encodeHex(decodeHex(digits));
}
