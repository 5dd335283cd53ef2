import { assertEquals } from "@std/assert";
import { Routes } from "../../../lib/client/services/routes.ts";
import type { Incoming, Service } from "../../../lib/client/services/service.ts";
import { type Field, fieldValue } from "../../../lib/http/fields.ts";
import type { RequestHead } from "../../../lib/http/head.ts";
import { linesOf } from "../../../lib/http/head.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";

/** Answers with its name and what it was asked. */
class Named implements Service {
  asked: RequestHead | null = null;
  isClosed = false;

  constructor(readonly name: string) {}

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    this.asked = head;
    incoming.respond({ status: 200, fields: [] }, false);
    await incoming.end(new TextEncoder().encode(`${this.name} ${head.target}`));
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Routes to services that are named like their paths. */
function routesTo(prefixes: readonly string[], isStripped = false): Routes {
  return new Routes(
    prefixes.map((prefix) => ({ prefix, isStripped, service: new Named(prefix || "/") })),
  );
}

async function ask(routes: Routes, target: string, method = "GET"): Promise<FakeIncoming> {
  const incoming = new FakeIncoming();
  await routes.serve(incoming, requestHead({ target, method }));
  return incoming;
}

Deno.test("Routes gives a request to the longest path that it is below, whole names alone", async () => {
  const routes = routesTo(["", "/api", "/api/v2", "/ap"]);
  const expected: Readonly<Record<string, string>> = {
    "/": "/",
    "/other": "/",
    "/api": "/api",
    "/api/": "/api",
    "/api?a=/api/v2": "/api",
    "/api/v1/b": "/api",
    "/api/v2": "/api/v2",
    "/api/v2/c?d": "/api/v2",
    "/api/v22": "/api",
    "/apis": "/",
    "/ap/api": "/ap",
    "/API": "/",
    "*": "/",
  };
  for (const [target, name] of Object.entries(expected)) {
    assertEquals((await ask(routes, target)).text, `${name} ${target}`);
  }
});

Deno.test("Routes answers 404 where there is no service, and says so", async () => {
  const routes = routesTo(["/api"]);
  for (const target of ["/", "/apis", "/a/api", "*"]) {
    const { head, text } = await ask(routes, target);
    assertEquals([head?.status, text], [404, "No service is published at this path.\n"], target);
  }
  const { head, text, isComplete } = await ask(routes, "/", "HEAD");
  assertEquals([head?.status, text, isComplete], [404, "", true]);
});

Deno.test("Routes refuses a path that its service may read as one of another service", async () => {
  const routes = routesTo(["", "/admin"]);
  const ways = [
    ...["/%61dmin", "/a/../admin", "/./admin", "//admin", "/%2e/admin/x", "/admin;a=b/x"],
    ...["/admin/../x", "/admin/%2e%2e/x", "/\\admin", "/%5cadmin", "/x/..%2fadmin", "/admin%2fx"],
  ];
  for (const target of ways) {
    assertEquals((await ask(routes, target)).head?.status, 400, target);
  }
  const clear = ["/a%20b", "/a;b", "/x/../y", "/.well-known/a", "/admin/a%2fb", "/a//b", "/%zz"];
  for (const target of clear) {
    assertEquals((await ask(routes, target)).head?.status, 200, target);
  }
});

Deno.test("Routes gives a stripped service the path behind its own, and the prefix that visitors cannot make up", async () => {
  const api = new Named("api");
  const routes = new Routes([{ prefix: "/api/v2", isStripped: true, service: api }]);
  const fields: Field[] = [["host", "a.example"], ["x-forwarded-prefix", "/evil"], ["x-a", "b"]];
  const incoming = new FakeIncoming();
  const { lines } = { lines: linesOf({ method: "GET", target: "/", fields }) };
  await routes.serve(incoming, { method: "GET", target: "/api/v2/c?d=/api", fields, lines });
  assertEquals(incoming.text, "api /c?d=/api");
  const asked = linesOf(api.asked ?? requestHead()).list;
  assertEquals(asked, [["host", "a.example"], ["x-a", "b"], ["x-forwarded-prefix", "/api/v2"]]);
});

Deno.test("Routes sends to the slash below a stripped path, where the links of a page are right", async () => {
  const { head } = await ask(routesTo(["/a/docs"], true), "/a/docs?b=c");
  assertEquals([head?.status, fieldValue(head?.fields ?? [], "location")], [307, "./docs/?b=c"]);
});

Deno.test("Routes closes all of its services", () => {
  const services = ["", "/a"].map((prefix) => ({
    prefix,
    isStripped: false,
    service: new Named(prefix),
  }));
  new Routes(services).close();
  assertEquals(services.map(({ service }) => service.isClosed), [true, true]);
});
