import { assertEquals } from "@std/assert";
import { clientUrl, isAudience, type OwnUrls } from "../../../lib/server/tunnels/audience.ts";

const FAR = { address: "203.0.113.7", host: "tunnel.example" };
const BEHIND_PROXY: OwnUrls = {
  url: "https://tunnel.example",
  port: 6519,
  clientPort: 7000,
  isSecure: false,
};

Deno.test("isAudience takes the public URL, whatever port the client came by", () => {
  assertEquals(accepted(BEHIND_PROXY, "https://tunnel.example"), true);
  assertEquals(accepted({ ...BEHIND_PROXY, clientPort: null }, "https://tunnel.example"), true);
});

Deno.test("isAudience takes the public host with the port of the clients, with or without a proxy's TLS", () => {
  assertEquals(accepted(BEHIND_PROXY, "http://tunnel.example:7000"), true);
  assertEquals(accepted(BEHIND_PROXY, "https://tunnel.example:7000"), true);
  const secure = { ...BEHIND_PROXY, isSecure: true };
  assertEquals(accepted(secure, "https://tunnel.example:7000"), true);
  assertEquals(accepted(secure, "http://tunnel.example:7000"), false);
});

Deno.test("isAudience writes no port that is the scheme's own", () => {
  const usual = { url: "http://tunnel.example", port: 80, clientPort: 443, isSecure: true };
  assertEquals(accepted(usual, "https://tunnel.example"), true);
});

Deno.test("isAudience takes no other host, port or scheme", () => {
  for (
    const audience of [
      "https://other.example",
      "https://other.example:7000",
      "https://tunnel.example:7001",
      "http://tunnel.example",
      "https://tunnel.example:7000/",
      "",
    ]
  ) {
    assertEquals(accepted(BEHIND_PROXY, audience), false, audience);
  }
  const without = { ...BEHIND_PROXY, clientPort: null };
  assertEquals(accepted(without, "https://tunnel.example:7000"), false);
});

Deno.test("isAudience takes a loopback name for a client on this machine that names it in Host as well", () => {
  const audience = "http://127.0.0.1:7000";
  const local = { address: "127.0.0.1", host: "127.0.0.1:7000" };
  assertEquals(isAudience(audience, local, BEHIND_PROXY), true);
  assertEquals(isAudience(audience, { ...local, address: FAR.address }, BEHIND_PROXY), false);
  assertEquals(isAudience(audience, { ...local, host: FAR.host }, BEHIND_PROXY), false);
  assertEquals(isAudience("http://127.0.0.1:7001", local, BEHIND_PROXY), false);
});

Deno.test("isAudience takes a loopback name with a port that the server listens on, and with no other", () => {
  const at = (authority: string, own: OwnUrls, scheme = "http") =>
    isAudience(`${scheme}://${authority}`, { address: "::1", host: authority }, own);
  for (const name of ["localhost", "127.0.0.1", "[::1]"]) {
    assertEquals(at(`${name}:6519`, BEHIND_PROXY), true, name);
    assertEquals(at(`${name}:7000`, BEHIND_PROXY), true, name);
    for (const port of [":17398", ":443", ":80", ""]) {
      assertEquals(at(`${name}${port}`, BEHIND_PROXY), false, name + port);
    }
    assertEquals(at(`${name}:7000`, { ...BEHIND_PROXY, clientPort: null }), false, name);
  }
  assertEquals(at("localhost", { ...BEHIND_PROXY, port: 80 }), true);
  assertEquals(at("localhost", { ...BEHIND_PROXY, port: 443, isSecure: true }, "https"), true);
});

Deno.test("clientUrl is what clients are to be given", () => {
  assertEquals(clientUrl({ ...BEHIND_PROXY, clientPort: null }), "https://tunnel.example");
  assertEquals(clientUrl({ ...BEHIND_PROXY, isSecure: true }), "https://tunnel.example:7000");
  const plain = { ...BEHIND_PROXY, url: "http://tunnel.example" };
  assertEquals(clientUrl(plain), "http://tunnel.example:7000");
});

Deno.test("clientUrl leads to the proxy that adds TLS, not to the port behind it", () => {
  assertEquals(clientUrl(BEHIND_PROXY), "https://tunnel.example");
});

function accepted(own: OwnUrls, audience: string): boolean {
  return isAudience(audience, FAR, own);
}
