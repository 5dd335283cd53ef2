import { assert, assertEquals } from "@std/assert";
import { CertificateKey } from "../../../lib/server/tls/certificate_key.ts";
import {
  certificateLife,
  isGoodFor,
  renewalTime,
} from "../../../lib/server/tls/certificate_life.ts";
import { selfSigned } from "../../../lib/server/tls/certificate_request.ts";
import { readCertificate } from "../../testing/certificate.ts";

const FROM = new Date("2026-01-01T00:00:00Z");
const TO = new Date("2026-04-01T00:00:00Z");
const NAMES = ["tunnel.example.com", "*.tunnel.example.com"];

Deno.test("selfSigned makes a certificate for the names and the time, which Deno serves", async () => {
  const certificate = await selfSigned(NAMES, await CertificateKey.make(), { from: FROM, to: TO });
  assertEquals(certificateLife(certificate), { from: FROM, to: TO, names: NAMES });
  const listening = { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...certificate };
  await Deno.serve(listening, () => new Response()).shutdown();
});

Deno.test("certificateLife reads the first certificate of a chain, and nothing from what is none", async () => {
  const { cert } = await selfSigned(NAMES, await CertificateKey.make(), { from: FROM, to: TO });
  assertEquals(certificateLife({ cert: cert + readCertificate() })?.names, NAMES);
  for (
    const text of ["", "text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
  ) {
    assertEquals(certificateLife({ cert: text }), null);
  }
});

Deno.test("A certificate is good from its first second to its last, for the names that it has", () => {
  const life = { from: FROM, to: TO, names: NAMES };
  assert(isGoodFor(life, NAMES, FROM));
  assert(isGoodFor(life, ["tunnel.example.com"], new Date(TO.getTime() - 1)));
  assert(!isGoodFor(life, NAMES, new Date(FROM.getTime() - 1)));
  assert(!isGoodFor(life, NAMES, TO));
  assert(!isGoodFor(life, ["other.example.com"], FROM));
});

Deno.test("A certificate is renewed when two thirds of its life are over", () => {
  assertEquals(renewalTime({ from: FROM, to: TO }), new Date("2026-03-02T00:00:00Z"));
});
