import { assertEquals } from "@std/assert";
import { pemReason } from "../../../lib/server/tls/pem_reason.ts";
import { CERTIFICATE } from "../../testing/certificate.ts";
import { foreignKey } from "../../testing/pem.ts";

Deno.test("pemReason says what is wrong with the files that Deno refuses", async () => {
  const [cert = "", key = ""] = [CERTIFICATE.certFile, CERTIFICATE.keyFile]
    .map((file) => Deno.readTextFileSync(file));
  const blocked = (label: string, base64 = "AAAA") =>
    `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
  const cases: readonly (readonly [cert: string, key: string, reason: string])[] = [
    ["", key, "one of the files is empty"],
    [cert, "", "one of the files is empty"],
    ["x", key, "the first has no certificate in PEM"],
    [key, cert, "the first has no certificate in PEM"],
    [cert, "x", "the second has no private key in PEM, or an encrypted one"],
    [
      cert,
      blocked("ENCRYPTED PRIVATE KEY"),
      "the second has no private key in PEM, or an encrypted one",
    ],
    [
      cert,
      await foreignKey({ name: "ECDSA", namedCurve: "P-256" }),
      "the key is not the certificate's",
    ],
    [cert, blocked("PRIVATE KEY"), "the key cannot be read as an RSA, ECDSA or Ed25519 key"],
    [blocked("CERTIFICATE"), key, "the certificate cannot be read"],
    [blocked("CERTIFICATE", "A!"), key, "the certificate cannot be read"],
  ];
  for (const [cert, key, reason] of cases) assertEquals(pemReason(refusalOf(cert, key)), reason);
});

Deno.test("pemReason leaves other errors to others", () => {
  assertEquals(pemReason(new Deno.errors.AddrInUse("x")), null);
  assertEquals(pemReason("x"), null);
  assertEquals(pemReason(new Deno.errors.InvalidData("something new")), "something new");
});

/** Serves in vain and returns the error. */
function refusalOf(cert: string, key: string): unknown {
  try {
    void Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key }, () => new Response(""))
      .shutdown();
  } catch (error) {
    return error;
  }
  throw new Error("Deno has taken them");
}
