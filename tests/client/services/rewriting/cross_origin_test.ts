import { assertEquals, assertThrows } from "@std/assert";
import {
  type CrossOrigin,
  parseCrossOrigin,
  preflightAnswer,
  sharedFields,
} from "../../../../lib/client/services/rewriting/cross_origin.ts";
import type { Field } from "../../../../lib/http/fields.ts";
import { requestHead } from "../../../testing/fake_incoming.ts";

const APP = "https://app.example";
const ONE: CrossOrigin = [APP];

/** The preflight of a page of that site. */
function preflight(origin: string, others: readonly Field[] = []) {
  const asked: readonly Field[] = [
    ["host", "api.example"],
    ["origin", origin],
    ["access-control-request-method", "PUT"],
    ...others,
  ];
  return requestHead({ method: "OPTIONS", fields: asked });
}

Deno.test("parseCrossOrigin reads a star or origins, exactly as browsers write them", () => {
  assertEquals(parseCrossOrigin("*"), "*");
  assertEquals(parseCrossOrigin(`${APP}, http://localhost:3000`), [APP, "http://localhost:3000"]);
  for (const wrong of ["", "app.example", `${APP}/`, `${APP},*`, "https://*.example", "null"]) {
    assertThrows(() => parseCrossOrigin(wrong), RangeError, "must be * or origins", wrong);
  }
});

Deno.test("preflightAnswer allows the method and the fields that a page of an allowed site asks for", () => {
  const asked = preflight(APP, [["access-control-request-headers", "x-a, content-type"]]);
  const sharing: readonly Field[] = [
    ["access-control-allow-methods", "PUT"],
    ["access-control-allow-headers", "x-a, content-type"],
    ["access-control-max-age", "600"],
  ];
  assertEquals(preflightAnswer(asked, ONE), {
    status: 204,
    fields: [
      ["access-control-allow-origin", APP],
      ["access-control-allow-credentials", "true"],
      ["vary", "Origin"],
      ...sharing,
    ],
  });
  assertEquals(preflightAnswer(asked, "*"), {
    status: 204,
    fields: [["access-control-allow-origin", "*"], ...sharing],
  });
});

Deno.test("preflightAnswer allows a page of another site nothing", () => {
  for (const origin of ["https://evil.example", `${APP}.evil.example`, "null", APP.toUpperCase()]) {
    const answer = { status: 204, fields: [["vary", "Origin"]] as const };
    assertEquals(preflightAnswer(preflight(origin), ONE), answer, origin);
  }
});

Deno.test("preflightAnswer leaves other requests to the service", () => {
  const method: Field = ["access-control-request-method", "PUT"];
  const others = [
    requestHead({ method: "OPTIONS", fields: [["origin", APP]] }),
    requestHead({ method: "OPTIONS", fields: [method] }),
    requestHead({ method: "GET", fields: [["origin", APP], method] }),
  ];
  for (const head of others) assertEquals(preflightAnswer(head, "*"), null);
});

Deno.test("sharedFields lets a page read an answer, in the place of what the service says", () => {
  const request = requestHead({ fields: [["origin", APP]] });
  const own: readonly Field[] = [
    ["access-control-allow-origin", "https://other.example"],
    ["access-control-allow-credentials", "false"],
    ["x-total", "3"],
    ["vary", "Accept, origin"],
  ];
  assertEquals(sharedFields(own, request, ONE), [
    ["x-total", "3"],
    ["vary", "Accept, origin"],
    ["access-control-allow-origin", APP],
    ["access-control-allow-credentials", "true"],
    ["access-control-expose-headers", "x-total, vary"],
  ]);
  assertEquals(sharedFields([["access-control-expose-headers", "x-a"]], request, "*"), [
    ["access-control-expose-headers", "x-a"],
    ["access-control-allow-origin", "*"],
  ]);
});

Deno.test("sharedFields keeps an answer from the pages of other sites", () => {
  const own: readonly Field[] = [["access-control-allow-origin", "*"], ["a", "b"]];
  for (const fields of [[["origin", "https://evil.example"]], []] as const) {
    assertEquals(sharedFields(own, requestHead({ fields }), ONE), [["a", "b"], ["vary", "Origin"]]);
  }
});
