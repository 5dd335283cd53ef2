import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { targetURI } from "../../lib/server/listen/target_uri.ts";
import { type Route, Router } from "../../lib/server/router.ts";

const ID = "a".repeat(52);
const OPTIONS = { domain: "Tunnel.example", publicUrl: "https://www.tunnel.example", fixed: false };
const router = new Router(OPTIONS);
const fixed = new Router({ ...OPTIONS, fixed: true });

/** Routes a request as `Deno.serve` hands it over. */
function get(host: string, target = "/", by = router): Route {
  return by.route({ method: "GET", ...targetURI("GET", `http://${host}${target}`), host });
}

function status(route: Route): number | string {
  return route.kind === "refused" ? route.status : route.kind;
}

Deno.test("Router.route gives one name to the operator's pages, where there are any", () => {
  const adminName = "admin.tunnel.example";
  const host = `${adminName}:8443`;
  const request = { method: "GET", scheme: "https", authority: host, target: "/tunnels?a", host };
  assertEquals(new Router({ ...OPTIONS, adminName }).route(request), {
    kind: "admin",
    path: "/tunnels?a",
  });
  assertEquals(new Router(OPTIONS).route(request).kind, "tunnel");
});

Deno.test("Router sends <label>.<domain> to its tunnel, whatever case, port and trailing dot", () => {
  for (const host of ["abc.tunnel.example", "ABC.Tunnel.Example:443", "abc.tunnel.example.:8443"]) {
    assertEquals(get(host, "/x?y"), {
      kind: "tunnel",
      hostname: "abc.tunnel.example",
      target: "/x?y",
    });
  }
});

Deno.test("Router leaves a tunnel every path of its host", () => {
  for (const target of ["/healthz", "/metrics", "/proxy/subscribe", "/proxy/request/abc/x"]) {
    assertEquals(get("abc.tunnel.example", target), {
      kind: "tunnel",
      hostname: "abc.tunnel.example",
      target,
    });
  }
});

Deno.test("Router takes the domain, the public host, localhost and addresses for the server's own", () => {
  for (
    const host of [
      "tunnel.example",
      "TUNNEL.example.:1",
      "www.tunnel.example",
      "localhost:6519",
      "127.0.0.1",
      "[::1]:6519",
    ]
  ) assertEquals(get(host, "/healthz?x"), { kind: "own", path: "/healthz?x" }, host);
});

Deno.test("Router answers 404 for deeper names and foreign hosts", () => {
  for (
    const host of [
      "a.b.tunnel.example",
      "example",
      "eviltunnel.example",
      "tunnel.example.evil",
      "other",
    ]
  ) assertEquals(status(get(host)), 404, host);
});

Deno.test("Router routes by path on the server's own host and keeps the rest byte for byte", () => {
  const at = (rest: string) => get("tunnel.example", `/proxy/request/${rest}`);
  const to = (target: string, id = ID): Route => ({
    kind: "tunnel",
    hostname: `${id}.tunnel.example`,
    target,
  });
  assertEquals(at(`${ID}/a/../%2F?b#c`), to("/a/../%2F?b#c"));
  assertEquals(at(`${ID}//x`), to("//x"));
  assertEquals(at(`${ID}/`), to("/"));
  assertEquals(at(ID), to("/"));
  assertEquals(at(`${ID}?q=/`), to("/?q=/"));
  assertEquals(at("ABC/"), to("/", "abc"));
});

Deno.test("Router answers 404 for an id that is not one DNS label", () => {
  for (
    const id of ["", "/x", "a.b/", "%61/", "a b", "a".repeat(64), "..", "caf\xe9/", "a@b/", "a:1/"]
  ) {
    assertEquals(status(get("tunnel.example", `/proxy/request/${id}`)), 404, id);
  }
  assertEquals(status(get("tunnel.example", "/proxy/request")), "own");
  assertEquals(status(get("tunnel.example", "/PROXY/request/abc/")), "own");
});

Deno.test("Router refuses CONNECT and TRACE with 405 in any case, and no other method", () => {
  const by = (method: string) =>
    status(
      router.route({
        method,
        ...targetURI("GET", "http://abc.tunnel.example/"),
        host: "abc.tunnel.example",
      }),
    );
  for (const method of ["CONNECT", "TRACE", "trace"]) assertEquals(by(method), 405, method);
  for (const method of ["GET", "get", "PURGE", "M-SEARCH"]) {
    assertEquals(by(method), "tunnel", method);
  }
});

Deno.test("Router names the methods that are served where it refuses one", () => {
  const allowed = (method: string, url: string, host: string | null) => {
    const route = router.route({ method, ...targetURI(method, url), host });
    return route.kind === "refused" ? route.fields : route.kind;
  };
  const ofTunnels = [["allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]];
  assertEquals<unknown>(
    allowed("TRACE", "http://abc.tunnel.example/", "abc.tunnel.example"),
    ofTunnels,
  );
  assertEquals<unknown>(allowed("CONNECT", "example.org:443", "example.org:443"), ofTunnels);
  assertEquals<unknown>(
    allowed("TRACE", "http://tunnel.example/healthz", "tunnel.example"),
    [["allow", "GET, HEAD"]],
  );
});

Deno.test("Router tells a proxy that speaks HTTP/2 without TLS what to do", () => {
  const route = router.route({
    method: "GET",
    ...targetURI("GET", "http://localhost:6519/"),
    host: null,
  });
  assert(route.kind === "refused");
  assertStringIncludes(route.reason, "no Host field");
  assertStringIncludes(route.reason, "must speak HTTP/1.1");
});

Deno.test("Router refuses a missing, empty or malformed Host with 400, and never uses a made-up one", () => {
  const by = (url: string, host: string | null) =>
    status(router.route({ method: "GET", ...targetURI("GET", url), host }));
  assertEquals(by("http://localhost:6519/", null), 400);
  assertEquals(by("http://abc.tunnel.example/", null), 400);
  assertEquals(by("http://localhost:6519/", ""), 400);
  assertEquals(by("http://localhost:6519/", "caf\xe9"), 400);
  assertEquals(by("http://a/b@c/", "a/b@c"), 400);
  assertEquals(by("http://a:99999/", "a:99999"), 400);
  assertEquals(by("http://localhost,localhost/", "localhost,localhost"), 400);
});

Deno.test("Router takes an authority for the host where no other came, as over HTTP/2", () => {
  const by = (url: string) => {
    const uri = targetURI("GET", url);
    return router.route({ method: "GET", ...uri, host: uri.authority });
  };
  assertEquals(by("https://ABC.tunnel.example/x"), {
    kind: "tunnel",
    hostname: "abc.tunnel.example",
    target: "/x",
  });
  assertEquals(status(by("https://u@abc.tunnel.example/")), 400);
  assertEquals(status(by("https:///x")), 400);
});

Deno.test("Router refuses an absolute-form target that disagrees with Host", () => {
  const by = (url: string, host: string) =>
    status(router.route({ method: "GET", ...targetURI("GET", url), host }));
  const host = "abc.tunnel.example";
  assertEquals(by("http://abc.tunnel.example/", host), "tunnel");
  assertEquals(by("http://ABC.tunnel.example.:80/", host), "tunnel");
  assertEquals(by("https://abc.tunnel.example:443/", host), "tunnel");
  assertEquals(by("http://abc.tunnel.example:443/", host), 400);
  assertEquals(by("http://abc.tunnel.example:8080/", host), 400);
  assertEquals(by("http://other.tunnel.example/", host), 400);
  assertEquals(by("http://localhost/metrics", host), 400);
  assertEquals(by("http://u@abc.tunnel.example/", host), 400);
  assertEquals(by("http://abc.tunnel.example@evil/", host), 400);
  assertEquals(by("ftp://abc.tunnel.example/", host), 400);
  assertEquals(by("*", host), 400);
});

Deno.test("Router with a fixed route sends every host and path to the one tunnel", () => {
  for (
    const host of ["anything.example", "www.tunnel.example", "tunnel.example", "abc.tunnel.example"]
  ) {
    for (
      const target of ["/", "/healthz", "/metrics?x", "/proxy/request/abc/x", "/proxy/subscriber"]
    ) {
      assertEquals(get(host, target, fixed), { kind: "tunnel", hostname: "*", target });
    }
  }
  assertEquals(status(get("127.0.0.1", "/", fixed)), "tunnel");
  assertEquals(status(get("a b", "/", fixed)), 400);
});

Deno.test("Router with a fixed route keeps the path of clients, and health checks by address", () => {
  assertEquals(get("any.example", "/proxy/subscribe?x", fixed), {
    kind: "own",
    path: "/proxy/subscribe?x",
  });
  for (const target of ["/healthz", "/readyz?verbose", "/metrics"]) {
    for (const host of ["10.0.0.7:6519", "localhost", "[::1]"]) {
      assertEquals(status(get(host, target, fixed)), "own", host + target);
    }
  }
  const local = new Router({
    domain: "localhost",
    publicUrl: "http://localhost:6519",
    fixed: true,
  });
  assertEquals(status(get("localhost:6519", "/healthz", local)), "tunnel");
  assertEquals(status(get("127.0.0.1:6519", "/healthz", local)), "own");
});

Deno.test("Router reads each Host rightly, also beyond those that it remembers", () => {
  const host = (label: string) => `${label}.tunnel.example`;
  const tunnel = (label: string): Route => ({
    kind: "tunnel",
    hostname: host(label),
    target: "/",
  });
  for (let i = 0; i < 2_500; i++) {
    assertEquals(get(`N${i}.Tunnel.example`), tunnel(`n${i}`));
    assertEquals(get(`${host("first")}:8080`), tunnel("first"));
    assertEquals(status(get("a..tunnel.example")), 400);
  }
});
