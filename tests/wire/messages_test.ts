import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { decodeBase64Url } from "@std/encoding/base64url";
import { MAX_REGISTRATION_LENGTH } from "../../lib/wire/limits.ts";
import {
  decodeChallenge,
  decodeRequest,
  decodeResponse,
  encodeMessage,
  newChallenge,
} from "../../lib/wire/messages.ts";
import { REFUSAL_CODES, RegistrationError } from "../../lib/wire/registration_error.ts";
import { goldenFrame } from "../testing/golden_frames.ts";

Deno.test("newChallenge has 32 fresh random bytes each time", () => {
  const [first, second] = [newChallenge("tunnel/1", 10), newChallenge("tunnel/1", 10)];
  assertEquals(decodeBase64Url(first.nonce).length, 32);
  assertNotEquals(first.nonce, second.nonce);
  assertEquals(first.limits.streams, 10);
});

Deno.test("the messages of a registration agree with the golden frames", () => {
  const challenge = goldenFrame("challenge").payload;
  const { nonce, server, features } = decodeChallenge(challenge);
  assertEquals(encodeMessage({ nonce, server, limits: { streams: 1000 }, features }), challenge);
  const request = goldenFrame("registration").payload;
  assertEquals(encodeMessage(decodeRequest(request)), request);
  const response = goldenFrame("registered").payload;
  assertEquals(encodeMessage(decodeResponse(response)), response);
});

Deno.test("decodeResponse throws the server's refusal with its code and whether it is permanent", () => {
  const refused = goldenFrame("refused").payload;
  const error = assertThrows(() => decodeResponse(refused), RegistrationError);
  assertEquals([error.code, error.permanent], ["wrong_nonce", true]);
  assertEquals(error.message, "the registration answers another challenge");
  for (const code of REFUSAL_CODES) {
    for (const permanent of [true, false]) {
      const payload = encodeMessage({ error: { code, message: "no", permanent } });
      const seen = assertThrows(() => decodeResponse(payload), RegistrationError);
      assertEquals([seen.code, seen.permanent, seen.message], [code, permanent, "no"]);
    }
  }
});

Deno.test("decodeResponse goes on trying after a refusal that does not say permanent", () => {
  for (const permanent of ["", ',"permanent":"true"', ',"permanent":1', ',"permanent":null']) {
    const payload = bytes(`{"error":{"code":"a_new_code","message":"later"${permanent}}}`);
    assertEquals(assertThrows(() => decodeResponse(payload), RegistrationError).permanent, false);
  }
});

Deno.test("decodeResponse takes a refusal whose message is no text for one without a reason", () => {
  for (const message of ['{"toString":1,"valueOf":1}', "7", "null", "[]"]) {
    const payload = bytes(`{"error":{"code":"try_again","message":${message}}}`);
    const error = assertThrows(() => decodeResponse(payload), RegistrationError);
    assertEquals([error.code, error.message], ["try_again", "the server gave no reason"]);
  }
});

Deno.test("decodeChallenge refuses what is none", () => {
  for (const text of ["", "[]", "{}", '{"nonce":1,"server":"x"}', '{"nonce":"x"}']) {
    malformed(() => decodeChallenge(bytes(text)));
  }
});

Deno.test("decodeRequest refuses what has no JWS", () => {
  for (const text of ["", "[]", "{}", '{"jws":1}', '{"jws":null}', '{"jws":["a.b.c"]}']) {
    malformed(() => decodeRequest(bytes(text)));
  }
});

Deno.test("decodeResponse refuses an answer that is incomplete", () => {
  for (
    const text of [
      "",
      "{}",
      '{"id":"x","hostnames":["x"]}',
      '{"id":"x","hostnames":"x","urls":["x"]}',
      '{"id":"x","hostnames":[1],"urls":["x"]}',
      '{"id":1,"hostnames":["x"],"urls":["x"]}',
      '{"id":"x","hostnames":[],"urls":[]}',
      '{"id":"x","hostnames":["x"],"urls":["http://x/"]}',
      '{"id":"x","hostnames":["x"],"urls":["ftp://x"]}',
      '{"error":"no"}',
    ]
  ) {
    malformed(() => decodeResponse(bytes(text)));
  }
});

Deno.test("the messages of a registration ignore members that a later version may add", () => {
  const challenge = decodeChallenge(bytes('{"nonce":"n","server":"s","token":true}'));
  assertEquals(challenge, { nonce: "n", server: "s", features: [] });
  assertEquals(decodeRequest(bytes('{"jws":"a.b.c","token":"t"}')), { jws: "a.b.c" });
});

Deno.test("decodeChallenge keeps the features that this version has, and refuses anything but a list of names", () => {
  const featuresOf = (features: string) =>
    decodeChallenge(bytes(`{"nonce":"n","server":"s","features":${features}}`)).features;
  assertEquals(featuresOf('["later","notices","other"]'), ["notices"]);
  malformed(() => featuresOf("{}"));
});

Deno.test("a challenge is far below the limit of its frame", () => {
  assert(encodeMessage(newChallenge("tunnel/0.1.0", 1000)).length < MAX_REGISTRATION_LENGTH / 8);
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function malformed(run: () => unknown): void {
  assertEquals(assertThrows(run, RegistrationError).code, "malformed");
}
