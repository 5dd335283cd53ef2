import { assertEquals } from "@std/assert";
import { tlsFailure } from "../../lib/net/tls_failure.ts";

/** Failures of handshakes with real certificates are in `tests/client/dial_advice_test.ts`; these are hard to bring about. */
Deno.test("tlsFailure words what rustls says", () => {
  const now = new Date("2026-11-28T12:00:00Z");
  const cases: readonly (readonly [message: string, fault: string, reason: string])[] = [
    [
      "invalid peer certificate: Expired",
      "expired",
      "its certificate expired, and this machine's clock says 2026-11-28",
    ],
    [
      "invalid peer certificate: NotValidYet",
      "not_yet_valid",
      "its certificate becomes valid later, and this machine's clock says 2026-11-28",
    ],
    [
      "invalid peer certificate: NotValidForName",
      "other_name",
      "its certificate is not for a.example",
    ],
    [
      'invalid peer certificate: certificate not valid for name "a.example"; certificate is only valid for ' +
      'DnsName("b.example"), DnsName("c.example"), IpAddress(192.0.2.1), DnsName("d.example") or DnsName("e.example")',
      "other_name",
      "its certificate is for b.example, c.example, 192.0.2.1 and 2 more, not for a.example",
    ],
    [
      'invalid peer certificate: certificate not valid for name "a.example"; certificate is not valid for any names',
      "other_name",
      "its certificate is not for a.example",
    ],
    [
      "invalid peer certificate: BadSignature",
      "other",
      "its certificate cannot be used (BadSignature)",
    ],
    ["received fatal alert: NoApplicationProtocol", "other", "it does not offer HTTP/1.1 over TLS"],
    [
      "received fatal alert: ProtocolVersion",
      "other",
      "it speaks no TLS that this client does (1.2 or 1.3)",
    ],
    [
      "received fatal alert: InternalError",
      "other",
      "it refused the TLS handshake (InternalError)",
    ],
    ["something new", "other", "the TLS handshake failed (something new)"],
  ];
  for (const [message, fault, reason] of cases) {
    assertEquals(tlsFailure(new Error(message), "a.example", now), { fault, reason });
  }
});

Deno.test("tlsFailure takes a lost connection for no fault of the certificate", () => {
  for (const error of [new Deno.errors.UnexpectedEof("x"), systemError("ECONNRESET")]) {
    assertEquals(tlsFailure(error, "a.example").fault, "cut");
  }
});

function systemError(code: string): Error {
  return Object.assign(new Error("cut"), { code });
}
