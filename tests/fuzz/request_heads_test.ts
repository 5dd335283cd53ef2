import { assertEquals } from "@std/assert";
import { AddressSet } from "../../lib/net/address_set.ts";
import { FieldList } from "../../lib/server/proxy/field_list.ts";
import { ForwardedFields } from "../../lib/server/proxy/forwarded.ts";
import { RequestHeads } from "../../lib/server/proxy/request_heads.ts";
import { decodeRequestHead } from "../../lib/wire/head.ts";
import { fuzz } from "./fuzz.ts";

const NAMES = [
  ...["host", "accept", "cookie", "content-length", "connection", "te", "upgrade", "from"],
  ...["x-a", "x_forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "forwarded"],
] as const;
const VALUES = ["", "1", 'a "b"', "a\\b", "keep-alive", "close, cookie", "é", "a\tb"] as const;

const TRUSTED = "10.0.0.1";
const heads = new RequestHeads(
  new ForwardedFields({ trustProxy: AddressSet.parse(TRUSTED) }),
);

fuzz("RequestHeads encodes the fields that it returns, by whichever way it does so", (random) => {
  const headers = new Headers();
  for (let i = random.integer(0, 8); i > 0; i--) {
    headers.append(random.pick(NAMES), random.pick(VALUES));
  }
  const source = {
    request: { method: random.pick(["GET", "M-SEARCH"]) },
    fields: new FieldList(headers),
    target: random.pick(["/", "*", "/é?x"]),
    connection: {
      peer: random.pick(["203.0.113.9", "2001:db8::1", TRUSTED]),
      scheme: random.pick(["http", "https"] as const),
      host: random.pick(["a.example", "b.example:8080"]),
    },
  };
  const length = random.pick([null, 0, 17]);
  const { method, target, fields } = decodeRequestHead(heads.encode(source, length));
  assertEquals([method, target], [source.request.method, source.target]);
  assertEquals(fields, heads.fields(source, length));
});
