import config from "../../deno.json" with { type: "json" };
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runToEnd } from "../testing/ended_program.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const PROBED = { preload: new URL("../testing/permission_probe.ts", import.meta.url) };

Deno.test("A site that was built into a folder is published with its pages, and with no more than that", async (t) => {
  await using folder = await TempDir.make();
  const site = `${folder.path}/dist`;
  await Deno.mkdir(`${site}/assets`, { recursive: true });
  const script = "console.log(1);".repeat(20_000);
  await Deno.writeTextFile(`${site}/index.html`, "<div id=app>");
  await Deno.writeTextFile(`${site}/assets/app-1f3a.js`, script);
  await Deno.writeTextFile(`${site}/.env`, "SECRET");
  await Deno.writeTextFile(`${folder.path}/secret`, "SECRET");
  await using tunnel = await startTunnel({
    origin: site,
    clientArgs: ["--spa"],
    programs: PROBED,
  });
  await t.step("by its name", async () => {
    await within(tunnel.client.stderr.find(new RegExp(`serving ${site}$`)), "its name");
  });
  await t.step("the page, for every path that has none", async () => {
    for (const target of ["/", "/orders/7?tab=1", "/about/"]) {
      const { status, text } = await tunnel.request(target);
      assertEquals([status, text], [200, "<div id=app>"], target);
    }
  });
  await t.step("its parts, whole, as ranges and not again when they are known", async () => {
    const target = "/assets/app-1f3a.js";
    const whole = await tunnel.request(target);
    assertEquals(whole.text === script, true);
    assertStringIncludes(whole.head.get("content-type") ?? "", "javascript");
    const part = await tunnel.request(target, { fields: [["Range", "bytes=10-19"]] });
    assertEquals([part.status, part.text], [206, script.slice(10, 20)]);
    const etag = whole.head.get("etag") ?? "";
    const known = await tunnel.request(target, { fields: [["If-None-Match", etag]] });
    assertEquals([known.status, known.text], [304, ""]);
    assertEquals((await tunnel.request("/assets/app-0000.js")).status, 404);
  });
  await t.step("nothing beside it", async () => {
    for (const target of ["/.env", "/../secret", "/..%2fsecret", "/%2e%2e/secret", "//secret"]) {
      const { status, text } = await tunnel.request(target);
      assertEquals([status, text.includes("SECRET")], [404, false], target);
    }
  });
  await t.step("by a client that may read and do nothing else", async () => {
    assertEquals(await permissionsOf(tunnel), "read net; did: ");
  });
});

Deno.test("A site that Vite has built is published with --spa, as a browser asks for it", async () => {
  await using folder = await TempDir.make();
  for (const [name, content] of Object.entries(VITE_SITE)) {
    await Deno.writeTextFile(`${folder.path}/${name}`, content);
  }
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", CONFIG, config.imports.vite, "build", "--logLevel", "error"],
    cwd: folder.path,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  await using tunnel = await startTunnel({
    origin: `${folder.path}/dist`,
    clientArgs: ["--spa"],
  });
  // Who opens a page of the site by its own address gets the first one, which its script makes that of.
  const page = await tunnel.request("/orders/7", { fields: [["Accept", "text/html"]] });
  assertEquals([page.status, page.head.get("content-type")], [200, "text/html; charset=UTF-8"]);
  const [, script = ""] = /src="(\/assets\/index-[\w-]+\.js)"/.exec(page.text) ?? [];
  const [, style = ""] = /href="(\/assets\/index-[\w-]+\.css)"/.exec(page.text) ?? [];
  const { text, head } = await tunnel.request(script);
  assertStringIncludes(head.get("content-type") ?? "", "javascript");
  const [, lazy = ""] = /(about-[\w-]+\.js)/.exec(text) ?? [];
  assertStringIncludes((await tunnel.request(`/assets/${lazy}`)).text, "about this site");
  const css = await tunnel.request(style);
  assertEquals([css.status, css.head.get("content-type")], [200, "text/css; charset=UTF-8"]);
  // A part of an older build must not be the page.
  assertEquals((await tunnel.request("/assets/index-00000000.js")).status, 404);
});

/** This project's own, by which Vite's version is known. */
const CONFIG = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);

const VITE_SITE = {
  "index.html": '<!doctype html><main></main><script type="module" src="/main.js"></script>',
  "main.js": 'import "./style.css";\nconst { about } = await import("./about.js");\n' +
    "document.body.append(about());",
  "about.js": 'export const about = () => "about this site";',
  "style.css": "main { color: rebeccapurple }",
};

Deno.test("A folder without pages is listed with --list, and a file that is missing is told from one that may not be read", async () => {
  await using folder = await TempDir.make();
  await Deno.writeTextFile(`${folder.path}/report 1.pdf`, "%PDF");
  await using tunnel = await startTunnel({ origin: folder.path, clientArgs: ["--list"] });
  assertStringIncludes((await tunnel.request("/")).text, 'href="./report%201.pdf"');
  const { status, text, head } = await tunnel.request("/report%201.pdf");
  assertEquals([status, text, head.get("content-type")], [200, "%PDF", "application/pdf"]);
});

Deno.test("A folder that is not there ends the client with the reason", async () => {
  const { code, stderr } = await runToEnd("client.ts", ["./no/such/folder"]);
  assertEquals(code, 2);
  assertStringIncludes(
    stderr,
    "cannot publish the folder ./no/such/folder: there is no such folder",
  );
});

Deno.test("A status and a redirect are published like services", async () => {
  await using down = await startTunnel({ origin: "status:503" });
  assertEquals((await down.request("/a")).text, "503 Service Unavailable\n");
  await using moved = await startTunnel({ origin: "redirect:https://new.example{path}" });
  const { status, head } = await moved.request("/a?b", { method: "POST", body: "x" });
  assertEquals([status, head.get("location")], [307, "https://new.example/a?b"]);
});

/** Asks the client what may be done in it. */
async function permissionsOf({ client }: Tunnel): Promise<string> {
  client.signal("SIGUSR2");
  const answer = await within(client.stderr.find(/^may: (.*)\.$/), "the answer");
  assert(answer !== null);
  return answer[1] ?? "";
}
