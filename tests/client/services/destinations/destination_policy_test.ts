import { assertEquals } from "@std/assert";
import { parseDestination } from "../../../../lib/client/services/destinations/destination.ts";
import {
  DestinationPolicy,
  type DestinationRequest,
} from "../../../../lib/client/services/destinations/destination_policy.ts";
import {
  parseAllowedDestination,
  parseDeniedDestination,
} from "../../../../lib/client/services/destinations/destination_rule.ts";
import { requestHead } from "../../../testing/fake_incoming.ts";

function policyOf(allow: readonly string[], deny: readonly string[] = []): DestinationPolicy {
  return new DestinationPolicy({
    allow: allow.map(parseAllowedDestination),
    deny: deny.map(parseDeniedDestination),
  });
}

function requestFor(url: string): DestinationRequest {
  const destination = parseDestination(url);
  if (destination === undefined) throw new TypeError(`no destination: ${url}`);
  return { destination, head: requestHead() };
}

function assertURLs(policy: DestinationPolicy, isAllowed: boolean, urls: readonly string[]): void {
  for (const url of urls) assertEquals(policy.allowsURL(requestFor(url)), isAllowed, url);
}

/** Holds addresses that the host of a URL may turn out to have against a policy. */
function assertAddresses(
  policy: DestinationPolicy,
  url: string,
  expected: Readonly<Record<string, boolean>>,
): void {
  for (const [address, isAllowed] of Object.entries(expected)) {
    const message = `${url} at ${address}`;
    assertEquals(policy.allowsAddress(requestFor(url), address), isAllowed, message);
  }
}

Deno.test("DestinationPolicy allows what a rule has, and nothing beside it", () => {
  const policy = policyOf(["https://*.internal:443/api/*", "http://git.example:8080"]);
  assertURLs(policy, true, [
    ...[
      "https://a.internal/api/",
      "https://a.b.internal:443/api/x?y=/../z",
      "https://A.INTERNAL./api/",
    ],
    ...["http://git.example:8080/", "http://git.example:8080/a/b"],
  ]);
  assertURLs(policy, false, [
    ...["http://a.internal/api/", "https://a.internal:8443/api/", "https://a.internal/"],
    ...["https://a.internal/api", "https://a.internal/apis/x", "https://a.internal/API/x"],
    ...[
      "https://internal/api/x",
      "https://ainternal/api/x",
      "https://a.internal.evil.example/api/x",
    ],
    ...["http://git.example/", "https://git.example:8080/", "http://a.git.example:8080/"],
    ...["http://10.0.0.1/", "http://127.0.0.1:8080/"],
  ]);
});

Deno.test("DestinationPolicy lets no spelling of a path lead out of what is allowed, or around what is denied", () => {
  const policy = policyOf(["https://a.internal/api/*"], ["https://a.internal/api/admin*"]);
  assertURLs(policy, false, [
    ...["https://a.internal/api/../x", "https://a.internal/api/%2e%2e/x"],
    ...[
      "https://a.internal/api/..%2fx",
      "https://a.internal/api/..\\x",
      "https://a.internal/api/..;/x",
    ],
    ...["https://a.internal/api/..%5cx", "https://a.internal/api/%252e%252e%252fx"],
    ...["https://a.internal/api/%25252e%25252e/x", "https://a.internal/api/%2525252525252e"],
    ...["https://a.internal/api/admin", "https://a.internal/api/%61dmin/x"],
    ...["https://a.internal/api/%2561dmin", "https://a.internal/api//admin"],
    ...["https://a.internal/api/./admin", "https://a.internal/api/x/../admin"],
    ...["https://a.internal/api/;a/admin", "https://a.internal/api\\admin"],
  ]);
  assertURLs(policy, true, [
    ...[
      "https://a.internal/api/x%20y",
      "https://a.internal/api/a;b=c",
      "https://a.internal/api/x/../y",
    ],
    ...["https://a.internal/api/x%2fy?/../admin", "https://a.internal/api/%zz"],
  ]);
});

Deno.test("DestinationPolicy denies more than it allows: any port, any scheme, and networks by every name", () => {
  const policy = policyOf(["*://*.internal:*"], [
    ...["https://secret.internal", "*://*.secret.internal", "10.1.0.0/16", "http://10.2.0.1"],
    "fd00::/8",
  ]);
  assertURLs(policy, false, [
    ...["https://secret.internal/", "https://secret.internal:8443/", "http://a.secret.internal:1/"],
  ]);
  assertURLs(policy, true, ["http://secret.internal/", "https://a.internal:9/"]);
  assertAddresses(policy, "http://a.internal/", {
    "10.0.0.1": true,
    "10.1.0.1": false,
    "::ffff:10.1.0.1": false,
    "::ffff:a01:1": false,
    "10.2.0.1": false,
    "fd00::1": false,
    "1.1.1.1": true,
  });
  assertAddresses(policy, "https://a.internal/", { "10.2.0.1": true });
});

Deno.test("DestinationPolicy looks at the address that a name turns out to have", () => {
  const surroundings = {
    "127.0.0.1": false,
    "::1": false,
    "0.0.0.0": false,
    "169.254.169.254": false,
    "::ffff:169.254.169.254": false,
    "fe80::1": false,
    "fe80::1%eth0": false,
    "100.100.100.200": false,
    "fd00:ec2::254": false,
    "64:ff9b::a9fe:a9fe": false,
    "not an address": false,
  };
  // A star alone reaches what is everybody's.
  assertAddresses(policyOf(["http://*"]), "http://rebind.example/", {
    ...surroundings,
    "1.1.1.1": true,
    "10.0.0.1": false,
    "192.168.0.1": false,
    "fd00::1": false,
  });
  // A name, and a star in front of one, reach private networks.
  for (const rule of ["http://*.internal", "http://a.internal"]) {
    const reached = { ...surroundings, "1.1.1.1": true, "10.0.0.1": true, "fd12::1": true };
    assertAddresses(policyOf([rule]), "http://a.internal/", reached);
  }
});

Deno.test("DestinationPolicy reaches this machine and its surroundings where a rule has the address itself", () => {
  const metadata = policyOf(["http://*.internal", "http://169.254.169.254/latest/*"]);
  assertURLs(metadata, true, ["http://169.254.169.254/latest/a", "http://metadata.internal/"]);
  assertURLs(metadata, false, ["http://169.254.169.254/", "https://169.254.169.254/latest/a"]);
  assertAddresses(metadata, "http://169.254.169.254/latest/a", { "169.254.169.254": true });
  assertAddresses(metadata, "http://metadata.internal/latest/a", { "169.254.169.254": true });
  assertAddresses(metadata, "http://metadata.internal/other", { "169.254.169.254": false });
  assertAddresses(policyOf(["http://[::1]:3000"]), "http://[::1]:3000/", { "::1": true });
  assertAddresses(policyOf(["http://*:3000"]), "http://127.0.0.1:3000/", { "127.0.0.1": false });
});

Deno.test("DestinationPolicy takes localhost for the loopback addresses, where it is allowed in full", () => {
  const loopback = { "127.0.0.1": true, "::1": true, "169.254.169.254": false, "0.0.0.0": false };
  assertAddresses(policyOf(["http://localhost:3000"]), "http://localhost:3000/", loopback);
  assertAddresses(policyOf(["http://a.localhost"]), "http://a.localhost/", loopback);
  assertAddresses(policyOf(["http://*.localhost"]), "http://a.localhost/", { "127.0.0.1": false });
});

Deno.test("DestinationPolicy keeps to the methods and fields that a rule is about", () => {
  const policy = policyOf(["GET,HEAD http://a.internal X-Team: web-*; X-Env: *"], [
    "http://a.internal X-Env: prod*",
    "HEAD 10.0.0.0/8",
  ]);
  const { destination } = requestFor("http://a.internal/");
  const request = (method: string, team: string, env = "dev") => ({
    destination,
    head: requestHead({ method, fields: [["x-team", team], ["x-env", env]] }),
  });
  assertEquals(policy.allowsURL(request("GET", "web-1")), true);
  assertEquals(policy.allowsURL(request("POST", "web-1")), false);
  assertEquals(policy.allowsURL(request("GET", "ops")), false);
  assertEquals(policy.allowsURL(request("GET", "web-1", "production")), false);
  assertEquals(policy.allowsURL({ destination, head: requestHead() }), false);
  assertEquals(policy.allowsAddress(request("GET", "web-1"), "10.0.0.1"), true);
  assertEquals(policy.allowsAddress(request("HEAD", "web-1"), "10.0.0.1"), false);
});
