import { assertEquals, assertMatch } from "@std/assert";
import { createHmac } from "node:crypto";
import type { SignatureRequest } from "../../../lib/client/inspector/exchange.ts";
import { checkSignature } from "../../../lib/client/inspector/signature_check.ts";
import { detectScheme } from "../../../lib/client/inspector/signature_claim.ts";
import type { Field } from "../../../lib/http/fields.ts";

// The first ones are the examples of the senders' own documentation.

const GITHUB = {
  secret: "It's a Secret to Everybody",
  body: "Hello, World!",
  fields: [[
    "x-hub-signature-256",
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
  ]],
} as const;

const SLACK = {
  secret: "8f742231b10e8888abcd99yyyzzz85a5",
  body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&" +
    "channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&" +
    "command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands" +
    "%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015." +
    "47445629121.803a0bc887a14d10d2c447fce8b6703c",
  fields: [
    ["x-slack-request-timestamp", "1531420618"],
    ["x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"],
  ],
} as const;

const STANDARD = {
  secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
  body: '{"event_type":"ping","data":{"success":true}}',
  fields: [
    ["webhook-id", "msg_loFOjxBNrRLzqYUf"],
    ["webhook-timestamp", "1731705121"],
    ["webhook-signature", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="],
  ],
} as const;

const hmac = (secret: string, text: string, encoding: "hex" | "base64" = "hex") =>
  createHmac("sha256", secret).update(text).digest(encoding);

const STRIPE = {
  secret: "whsec_test",
  body: '{"id":"evt_1"}',
  fields: [[
    "stripe-signature",
    `t=1700000000,v1=${"0".repeat(64)},v1=${
      hmac("whsec_test", '1700000000.{"id":"evt_1"}')
    },v0=abc`,
  ]],
} as const;

interface Example {
  readonly secret: string;
  readonly body: string;
  readonly fields: readonly Field[];
}

function check(
  { secret, body, fields }: Example,
  { arrived, isWhole = true, ...asked }: Partial<SignatureRequest> & {
    readonly arrived: number;
    readonly isWhole?: boolean;
  },
) {
  return checkSignature(
    { fields, body: new TextEncoder().encode(body), isWhole, arrived },
    { secret, ...asked },
  );
}

Deno.test("checkSignature knows the senders' own examples, by their fields alone", () => {
  const examples = [
    [GITHUB, "github", 0, null],
    [SLACK, "slack", 1531420620, 2],
    [STANDARD, "standard", 1731705124.5, 3.5],
    [STRIPE, "stripe", 1700000001, 1],
  ] as const;
  for (const [example, scheme, arrived, age] of examples) {
    const { message, field, ...found } = check(example, { arrived });
    assertEquals(found, { scheme, isRight: true, code: "right", age }, message);
    assertMatch(message, new RegExp(`${field} is right`));
  }
});

Deno.test("checkSignature knows Shopify's, Svix's and plain ones in hex and base64", () => {
  const body = '{"a":1}';
  const shopify = [["x-shopify-hmac-sha256", hmac("s", body, "base64")]] as const;
  assertEquals(check({ secret: "s", body, fields: shopify }, { arrived: 0 }).code, "right");
  const svix = STANDARD.fields.map(([name, value]): Field => [
    name.replace("webhook", "svix"),
    value,
  ]);
  assertEquals(
    check({ ...STANDARD, fields: svix }, { arrived: 1731705121 }).field,
    "svix-signature",
  );
  for (const value of [hmac("s", body), hmac("s", body, "base64"), `sha256=${hmac("s", body)}`]) {
    const plain = check({ secret: "s", body, fields: [["x-my-signature", value]] }, { arrived: 0 });
    assertEquals([plain.scheme, plain.code, plain.field], ["hmac", "right", "x-my-signature"]);
    const named = check({ secret: "s", body, fields: [["x-odd", value]] }, {
      ...{ arrived: 0, scheme: "hmac", field: "X-Odd" },
    });
    assertEquals(named.code, "right");
  }
});

Deno.test("checkSignature says why a signature is wrong", () => {
  const why = (example: Example, asked: Parameters<typeof check>[1] = { arrived: 0 }) => {
    const { code, message } = check(example, asked);
    return `${code}: ${message}`;
  };
  assertMatch(why({ ...GITHUB, secret: "other" }), /^wrong: .* another endpoint's secret/);
  assertMatch(
    why({ ...GITHUB, secret: `${GITHUB.secret}\n` }),
    /^wrong: .*blanks around the secret/,
  );
  assertMatch(why({ ...GITHUB, body: "Hello, World!\n" }), /^wrong: .*without the line end/);
  const json = { secret: "s", fields: [["x-hub-signature-256", `sha256=${hmac("s", '{"a":1}')}`]] };
  assertMatch(
    why({
      ...json,
      fields: [["x-hub-signature-256", `sha256=${hmac("s", '{"a":1}')}`]],
      body: '{ "a": 1 }',
    }),
    /^wrong: .*written without blanks/,
  );
  const raw = STANDARD.secret.replace("whsec_", "");
  const fields: Field[] = [[
    "x-signature",
    createHmac("sha256", atobBytes(raw)).update("b").digest("hex"),
  ]];
  assertMatch(why({ secret: raw, body: "b", fields }), /^wrong: .*decoded from base64/);
  const bare: Field[] = [["stripe-signature", `t=1700000000,v1=${hmac("s", "b")}`]];
  assertMatch(
    why({ secret: "s", body: "b", fields: bare }),
    /^wrong: .*body alone, without the time/,
  );
});

Deno.test("checkSignature tells a late one from a wrong one, and what is missing or malformed", () => {
  const code = (fields: readonly Field[], arrived = 0, scheme?: SignatureRequest["scheme"]) => {
    const asked = scheme === undefined ? {} : { scheme };
    const found = check({ ...STRIPE, fields }, { arrived, ...asked });
    return [found.code, found.field];
  };
  assertEquals(code(STRIPE.fields, 1700000301), ["old", "stripe-signature"]);
  assertEquals(code(STRIPE.fields, 1699999000), ["old", "stripe-signature"]);
  assertEquals(code([]), ["missing", null]);
  assertEquals(code([], 0, "github"), ["missing", "x-hub-signature-256"]);
  assertEquals(code([["x-slack-signature", "v0=00"]]), ["missing", "x-slack-request-timestamp"]);
  assertEquals(code([["stripe-signature", "v1=00"]]), ["malformed", "stripe-signature"]);
  assertEquals(code([["x-hub-signature-256", "00"]]), ["malformed", "x-hub-signature-256"]);
  assertEquals(code([["x-signature", "abc"]]), ["malformed", "x-signature"]);
  assertEquals(check(GITHUB, { arrived: 0, isWhole: false }).code, "body");
});

Deno.test("detectScheme takes no message signature (RFC 9421) for a webhook's", () => {
  assertEquals(detectScheme([["signature", "sig1=:a:"], ["signature-input", "sig1=()"]]), null);
  assertEquals(detectScheme([["x-hub-signature", "sha1=00"]]), "hmac");
});

function atobBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
