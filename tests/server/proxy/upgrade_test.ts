import { assertEquals } from "@std/assert";
import type { Field } from "../../../lib/http/fields.ts";
import { checkUpgrade, type Upgrade } from "../../../lib/server/proxy/upgrade.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** Checks RFC 6455's sample handshake with other fields in place of its own; null takes one away. */
function check(changes: Record<string, string | null> = {}, method = "GET"): Upgrade {
  const headers = new Headers({
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
  });
  for (const [name, value] of Object.entries(changes)) {
    headers.delete(name);
    if (value !== null) headers.set(name, value);
  }
  return checkUpgrade({ method, fields: [...headers] });
}

function status(upgrade: Upgrade): number | string {
  return upgrade.kind === "refused" ? upgrade.refusal.status : upgrade.kind;
}

Deno.test("checkUpgrade accepts the handshake of RFC 6455, in any case", () => {
  assertEquals(check(), { kind: "websocket", protocols: [] });
  assertEquals(
    check({ upgrade: "WebSocket", connection: "keep-alive, UPGRADE" }).kind,
    "websocket",
  );
  assertEquals(check({ "content-length": "0" }).kind, "websocket");
});

Deno.test("checkUpgrade gives the subprotocols in the visitor's order", () => {
  assertEquals(check({ "sec-websocket-protocol": "chat, v2.chat ,superchat" }), {
    kind: "websocket",
    protocols: ["chat", "v2.chat", "superchat"],
  });
  assertEquals(check({ "sec-websocket-protocol": "a,A" }).kind, "websocket");
});

Deno.test("checkUpgrade reads several fields of a list as one, and several of what is no list as none", () => {
  const fields: Field[] = [
    ["upgrade", "websocket"],
    ["connection", "keep-alive"],
    ["connection", "upgrade"],
    ["sec-websocket-key", KEY],
    ["sec-websocket-version", "13"],
    ["sec-websocket-protocol", "a"],
    ["sec-websocket-protocol", "b, c"],
  ];
  assertEquals(checkUpgrade({ method: "GET", fields }), {
    kind: "websocket",
    protocols: ["a", "b", "c"],
  });
  const again: readonly (readonly [field: Field, status: number])[] = [
    [["upgrade", "websocket"], 400],
    [["sec-websocket-key", KEY], 400],
    [["sec-websocket-version", "13"], 426],
  ];
  for (const [field, refused] of again) {
    assertEquals(status(checkUpgrade({ method: "GET", fields: [...fields, field] })), refused);
  }
});

Deno.test("checkUpgrade refuses subprotocols that are no tokens or appear twice", () => {
  for (const list of ["", ",", "a,", "a,,b", "a,a", "a b", 'a"', "a/b", "caf\xe9"]) {
    assertEquals(status(check({ "sec-websocket-protocol": list })), 400, JSON.stringify(list));
  }
});

Deno.test("checkUpgrade takes a request for an ordinary one unless Upgrade names websocket (RFC 9110 7.8)", () => {
  assertEquals(check({ upgrade: null }), { kind: "none" });
  for (
    const upgrade of ["", "h2c", "TLS/1.0, HTTP/2.0", "websockets", "x-websocket", "a/websocket"]
  ) {
    assertEquals(check({ upgrade }), { kind: "none" }, upgrade);
  }
  assertEquals(check({ upgrade: "h2c" }, "POST"), { kind: "none" });
});

Deno.test("checkUpgrade refuses Upgrade with more than websocket", () => {
  for (
    const upgrade of [
      "p1, websocket, p2",
      "websocket, websocket",
      "websocket/13",
      "h2c,WebSocket",
      "websocket,",
    ]
  ) assertEquals(status(check({ upgrade })), 400, upgrade);
});

Deno.test("checkUpgrade refuses methods other than GET with 405", () => {
  for (const method of ["POST", "HEAD", "OPTIONS", "get"]) {
    const refused = check({}, method);
    assertEquals(status(refused), 405, method);
    assertEquals(refused.kind === "refused" && refused.refusal.fields, [["allow", "GET"]]);
  }
});

Deno.test("checkUpgrade refuses a Connection that does not name upgrade", () => {
  for (const connection of [null, "", "keep-alive", "upgraded", "not upgrade", "up grade"]) {
    assertEquals(status(check({ connection })), 400, String(connection));
  }
});

Deno.test("checkUpgrade refuses a key that is not 16 bytes in base64", () => {
  for (
    const key of [
      null,
      "",
      "x",
      KEY.slice(0, -2),
      KEY.slice(1),
      `${KEY}=`,
      `${KEY}, ${KEY}`,
      "dGhlIHNhbXBsZSBub25jZQ=.",
      "dGhlIHNhbXBsZSBub25j-_==",
      "dGhlIHNhbXBsZSBub25jZSEh",
      "dGhlIHNhbXBsZSBub25jZSE=",
    ]
  ) assertEquals(status(check({ "sec-websocket-key": key })), 400, String(key));
});

Deno.test("checkUpgrade answers any version but 13 with 426 and what it speaks (RFC 6455 4.4)", () => {
  for (const version of [null, "", "8", "12", "14", "013", "13, 13", "13, 8", "13.0", "0x0d"]) {
    const refused = check({ "sec-websocket-version": version });
    assertEquals(status(refused), 426, String(version));
    assertEquals(refused.kind === "refused" && refused.refusal.fields, [
      ["connection", "upgrade"],
      ["upgrade", "websocket"],
      ["sec-websocket-version", "13"],
    ]);
  }
});

Deno.test("checkUpgrade refuses a handshake with a body", () => {
  for (const length of ["1", "00", "-1", "0, 0", "x"]) {
    assertEquals(status(check({ "content-length": length })), 400, length);
  }
  assertEquals(status(check({ "transfer-encoding": "chunked" })), 400);
});
