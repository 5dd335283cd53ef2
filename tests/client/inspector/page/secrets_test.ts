import { assertEquals } from "@std/assert";
import {
  coveredText,
  DOTS,
  isSecretName,
  targetParts,
  textParts,
} from "../../../../lib/client/inspector/page/secrets.ts";

Deno.test("isSecretName knows fields, parameters and members that are secret", () => {
  const secret = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"]
    .concat("x-auth-token", "stripe-signature", "accessToken", "client_secret", "password")
    .concat("user[password]", "sessionId", "apiKey", "credentials");
  const open = ["accept", "content-type", "x-request-id", "author", "tokenizer", "code", "keyboard"]
    .concat("sec-websocket-key", "etag", "passenger");
  assertEquals(secret.filter((name) => !isSecretName(name)), []);
  assertEquals(open.filter(isSecretName), []);
});

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

Deno.test("textParts covers tokens wherever they stand", () => {
  const covered = (text: string) => coveredText(textParts(text));
  for (const token of [JWT, "sk_live_51H8xABCDEF", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"]) {
    assertEquals(covered(`a ${token} b`), `a ${DOTS} b`);
  }
  assertEquals(covered('{"password":"x\\"y","name":"ada"}'), `{"password":"${DOTS}","name":"ada"}`);
  assertEquals(covered("user=ada&password=hunter2&x=1"), `user=ada&password=${DOTS}&x=1`);
});

Deno.test("textParts leaves words, digests, identifiers and paths as they are", () => {
  const texts = [
    "",
    "d41d8cd98f00b204e9800998ecf8427e",
    "123e4567-e89b-12d3-a456-426614174000",
    "/srv/app/releases/20261128/public/Assets/main.js",
    "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk",
    "text/html; charset=utf-8",
  ];
  assertEquals(texts.map((text) => coveredText(textParts(text))), texts);
});

Deno.test("the parts of a text are the text", () => {
  const text = `{"token":"abc","x":"${JWT}"}&password=1 ${JWT}=`;
  assertEquals(textParts(text).map((part) => part.text).join(""), text);
  const target = `/a?b&token=1&c=&=d&x=${JWT}?y=z`;
  assertEquals(targetParts(target).map((part) => part.text).join(""), target);
});

Deno.test("targetParts covers values of a query by their names and their looks", () => {
  assertEquals(
    coveredText(targetParts(`/hook?q=bread&token=abc&x=${JWT}&page=2`)),
    `/hook?q=bread&token=${DOTS}&x=${DOTS}&page=2`,
  );
});
