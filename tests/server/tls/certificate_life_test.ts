import { assert, assertEquals } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";
import { X509Certificate } from "node:crypto";
import { CertificateKey, toPEM } from "../../../lib/server/tls/certificate_key.ts";
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

Deno.test("certificateLife reads of an OpenSSL certificate what Deno reads", () => {
  const cert = readCertificate();
  const { validFrom, validTo } = new X509Certificate(cert);
  assertEquals(certificateLife({ cert }), {
    from: new Date(validFrom),
    to: new Date(validTo),
    // An address is no name.
    names: ["localhost", "*.localhost", "tunnel.localhost", "*.tunnel.localhost"],
  });
});

Deno.test("certificateLife finds nothing in a certificate that is cut off, wherever that is", () => {
  const octets = decodeBase64(readCertificate().replaceAll(/-----[^-]+-----|\s/g, ""));
  for (let length = 0; length < octets.length; length++) {
    assertEquals(certificateLife({ cert: toPEM("CERTIFICATE", octets.subarray(0, length)) }), null);
  }
});

Deno.test("A certificate with any octet changed is read or is none", () => {
  const octets = decodeBase64(readCertificate().replaceAll(/-----[^-]+-----|\s/g, ""));
  for (let at = 0; at < octets.length; at++) {
    for (const octet of [0x00, 0x84, 0xff]) {
      const changed = octets.with(at, octet);
      certificateLife({ cert: toPEM("CERTIFICATE", changed) });
    }
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
