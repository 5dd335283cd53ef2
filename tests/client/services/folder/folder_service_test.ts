import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { FolderService } from "../../../../lib/client/services/folder/folder_service.ts";
import { fieldValue } from "../../../../lib/http/fields.ts";
import type { RequestHead, ResponseHead } from "../../../../lib/http/head.ts";
import { ProgramError } from "../../../../lib/cli/program.ts";
import { ErrorCode } from "../../../../lib/wire/errors.ts";
import { eventually } from "../../../testing/eventually.ts";
import { FakeIncoming, requestHead } from "../../../testing/fake_incoming.ts";
import { TempDir } from "../../../testing/temp_dir.ts";
import { within } from "../../../testing/within.ts";

const isWindows = Deno.build.os === "windows";

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly head: ResponseHead;
}

/** A folder with some files in it, beside a secret. */
class Site implements AsyncDisposable {
  readonly #folder: TempDir;

  private constructor(folder: TempDir) {
    this.#folder = folder;
  }

  static async make(files: Readonly<Record<string, string>>): Promise<Site> {
    const site = new Site(await TempDir.make());
    await Deno.mkdir(site.path);
    for (const [name, text] of Object.entries({ ...files, "../secret": "secret" })) {
      await site.write(name, text);
    }
    return site;
  }

  get path(): string {
    return `${this.#folder.path}/site`;
  }

  async write(name: string, text: string): Promise<void> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }

  /** Asks for a target, as a visitor does. */
  async get(
    target: string,
    { list = false, spa = false, ...given }: Partial<RequestHead> & {
      readonly list?: boolean;
      readonly spa?: boolean;
    } = {},
  ): Promise<Answer> {
    const service = new FolderService({ path: this.path, list, spa });
    const incoming = new FakeIncoming();
    await within(service.serve(incoming, requestHead({ ...given, target })), "an answer");
    assert(incoming.isComplete, "the answer is whole");
    const head = await incoming.answered();
    return { status: head.status, text: incoming.text, head };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#folder[Symbol.asyncDispose]();
  }
}

function field({ head }: Answer, name: string): string | undefined {
  return fieldValue(head.fields, name);
}

Deno.test("FolderService answers with a file, its type, its length and what tells versions of it apart", async () => {
  await using site = await Site.make({ "a/page.html": "<p>hi", "data.json": "{}", "blob": "?" });
  const page = await site.get("/a/page.html?v=1");
  assertEquals([page.status, page.text], [200, "<p>hi"]);
  assertEquals(field(page, "content-type"), "text/html; charset=UTF-8");
  assertEquals(field(page, "content-length"), "5");
  assertEquals(field(page, "cache-control"), "no-cache");
  assertMatch(field(page, "etag") ?? "", /^W\/".+"$/);
  assertEquals(
    field(await site.get("/data.json"), "content-type"),
    "application/json; charset=UTF-8",
  );
  assertEquals(field(await site.get("/blob"), "content-type"), undefined);
  const head = await site.get("/a/page.html", { method: "HEAD" });
  assertEquals([head.status, head.text, field(head, "content-length")], [200, "", "5"]);
});

Deno.test("FolderService answers 304 to who has the file as it is, also to HEAD, and anew once it changed", async () => {
  await using site = await Site.make({ "a.txt": "one" });
  const first = await site.get("/a.txt");
  const etag = field(first, "etag") ?? "";
  const modified = field(first, "last-modified") ?? "";
  for (const method of ["GET", "HEAD"]) {
    const fields = [[["if-none-match", etag]], [["if-modified-since", modified]]] as const;
    for (const condition of fields) {
      const { status, text } = await site.get("/a.txt", { method, fields: condition });
      assertEquals([status, text], [304, ""]);
    }
  }
  await site.write("a.txt", "two and more");
  const again = await site.get("/a.txt", { fields: [["if-none-match", etag]] });
  assertEquals([again.status, again.text], [200, "two and more"]);
});

Deno.test("FolderService sends ranges of a file, and all of it where the range cannot hold", async () => {
  await using site = await Site.make({ "a.txt": "0123456789" });
  const ranges: readonly (readonly [range: string, status: number, text: string])[] = [
    ["bytes=2-4", 206, "234"],
    ["bytes=7-", 206, "789"],
    ["bytes=-3", 206, "789"],
    ["bytes=8-100", 206, "89"],
    ["bytes=0-1, 4-5", 200, "0123456789"],
    ["lines=1-2", 200, "0123456789"],
  ];
  for (const [range, status, text] of ranges) {
    const answer = await site.get("/a.txt", { fields: [["range", range]] });
    assertEquals([answer.status, answer.text], [status, text], range);
  }
  const part = await site.get("/a.txt", { fields: [["range", "bytes=2-4"]] });
  assertEquals([field(part, "content-range"), field(part, "content-length")], [
    "bytes 2-4/10",
    "3",
  ]);
  const beyond = await site.get("/a.txt", { fields: [["range", "bytes=10-"]] });
  assertEquals([beyond.status, field(beyond, "content-range")], [416, "bytes */10"]);
  // RFC 9110 section 13.1.5: a download that goes on must go on with the same file.
  const etag = field(part, "etag") ?? "";
  const modified = field(part, "last-modified") ?? "";
  const old = "Thu, 01 Jan 1970 00:00:00 GMT";
  for (const [condition, status] of [[modified, 206], [old, 200], [etag, 200]] as const) {
    const fields = [["range", "bytes=2-4"], ["if-range", condition]] as const;
    assertEquals((await site.get("/a.txt", { fields })).status, status, condition);
  }
  const head = await site.get("/a.txt", { method: "HEAD", fields: [["range", "bytes=2-4"]] });
  assertEquals([head.status, field(head, "content-length")], [200, "10"]);
});

Deno.test("FolderService shows the index of a folder, and sends to the slash by a reference that any prefix keeps", async () => {
  await using site = await Site.make({
    "index.html": "first",
    "a b/index.html": "second",
    "c/d": "",
  });
  assertEquals((await site.get("/")).text, "first");
  assertEquals((await site.get("/a%20b/")).text, "second");
  const moved = await site.get("/a%20b?c=d");
  assertEquals([moved.status, field(moved, "location")], [307, "./a%20b/?c=d"]);
  assertEquals((await site.get("/c/")).status, 404);
  assertEquals((await site.get("/c/d/")).status, 404, "a file is no folder");
  assertEquals((await site.get("/c/d/e")).status, 404);
  assertEquals((await site.get("/index.html/../index.html")).status, 404);
});

Deno.test("FolderService answers with nothing outside of its folder, nor with a file that begins with a dot", async () => {
  await using site = await Site.make({
    ".env": "secret",
    "a/.git/config": "secret",
    "index.html": "first",
    ".well-known/security.txt": "Contact",
  });
  const targets = [
    ...["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret", "/a/../../secret"],
    ...["/.env", "/%2eenv", "/a/.git/config", "//secret", "/%00", `/${"a".repeat(5_000)}`],
  ];
  for (const spa of [false, true]) {
    for (const target of targets) {
      const { status, text } = await site.get(target, { spa: spa && !target.includes("aaa") });
      assertEquals([status, text], [404, "There is no such file.\n"], target);
    }
  }
  assertEquals((await site.get("/.well-known/security.txt")).text, "Contact");
});

Deno.test({
  name:
    "FolderService follows links as long as they stay in the folder, and not to what begins with a dot",
  ignore: isWindows,
  fn: async () => {
    await using site = await Site.make({ "a/b.txt": "here", ".env": "secret", "index.html": "" });
    const links = {
      "inside.txt": "a/b.txt",
      "folder": "a",
      "absolute.txt": `${await Deno.realPath(site.path)}/a/b.txt`,
      "outside": "../secret",
      "up": "..",
      "root": "/",
      "hidden": ".env",
      "broken": "nowhere",
      "circle": "circle",
    };
    for (const [name, to] of Object.entries(links)) await Deno.symlink(to, `${site.path}/${name}`);
    for (const target of ["/inside.txt", "/folder/b.txt", "/absolute.txt"]) {
      assertEquals((await site.get(target)).text, "here", target);
    }
    const refused = ["/outside", "/up/secret", "/up/", "/root/etc/passwd", "/hidden", "/broken"];
    for (const target of [...refused, "/circle"]) {
      assertEquals((await site.get(target)).status, 404, target);
    }
    const { text } = await site.get("/a/", { list: true });
    assertStringIncludes(text, "./b.txt");
    await Deno.remove(`${site.path}/index.html`);
    const listed = await site.get("/", { list: true });
    const shown = [...listed.text.matchAll(/href="\.\/([^"]+)"/g)].map(([, name]) => name);
    assertEquals(shown, ["a/", "folder/", "absolute.txt", "inside.txt"]);
  },
});

Deno.test({
  name: "FolderService opens no device, no pipe and no socket",
  ignore: isWindows,
  fn: async () => {
    await using site = await Site.make({});
    await new Deno.Command("mkfifo", { args: [`${site.path}/pipe`] }).output();
    await Deno.symlink("/dev/zero", `${site.path}/device`);
    using _socket = Deno.listen({ transport: "unix", path: `${site.path}/socket` });
    for (const target of ["/pipe", "/device", "/socket"]) {
      assertEquals((await site.get(target)).status, 404, target);
    }
    assertEquals((await site.get("/", { list: true })).text.includes("href"), false);
  },
});

Deno.test({
  name: "FolderService publishes a folder that is a link itself",
  ignore: isWindows,
  fn: async () => {
    await using site = await Site.make({ "a.txt": "here" });
    await using other = await TempDir.make();
    await Deno.symlink(site.path, `${other.path}/link`);
    const service = new FolderService({ path: `${other.path}/link`, list: false, spa: false });
    const incoming = new FakeIncoming();
    await service.serve(incoming, requestHead({ target: "/a.txt" }));
    assertEquals(incoming.text, "here");
  },
});

Deno.test("FolderService lists a folder only when it is asked to, names as text and links that lead there", async () => {
  const odd = isWindows ? "a&b.txt" : `<i>"a&b".txt`;
  await using site = await Site.make({ [odd]: "12345", ".hidden": "", "b/c": "", "%2e%2e": "" });
  assertEquals((await site.get("/")).status, 404);
  const { status, text, head } = await site.get("/", { list: true });
  assertEquals(status, 200);
  assert(!text.includes("<i>") && !text.includes(".hidden"), text);
  assertStringIncludes(
    fieldValue(head.fields, "content-security-policy") ?? "",
    "default-src 'none'",
  );
  const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, href = ""]) => href);
  assertEquals(links, ["./b/", "./%252e%252e", `./${encodeURIComponent(odd)}`]);
  for (const link of links) {
    assertEquals((await site.get(link.slice(1), { list: true })).status, 200);
  }
  assertStringIncludes((await site.get("/b/", { list: true })).text, 'href="../"');
});

Deno.test("FolderService with a single page shows it for every page, and not for a file that is missing", async () => {
  await using site = await Site.make({ "index.html": "the page", "app.js": "run()", "a/b": "" });
  const html = [["accept", "text/html,*/*"]] as const;
  const shown = ["/", "/orders", "/orders/7/", "/a/", "/a/c"];
  for (const target of shown) {
    const { status, text } = await site.get(target, { spa: true });
    assertEquals([status, text], [200, "the page"], target);
  }
  assertEquals((await site.get("/@john.doe", { spa: true, fields: html })).text, "the page");
  assertEquals((await site.get("/assets/old.js", { spa: true })).status, 404);
  assertEquals((await site.get("/app.js", { spa: true })).text, "run()");
  assertEquals((await site.get("/orders")).status, 404);
});

Deno.test("FolderService says that it can only be read", async () => {
  await using site = await Site.make({ "a.txt": "" });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"]) {
    const answer = await site.get("/a.txt", { method });
    assertEquals([answer.status, field(answer, "allow")], [405, "GET, HEAD"]);
  }
});

Deno.test("FolderService sends a file no faster than its visitor reads, and closes it when the visitor leaves", async () => {
  await using site = await Site.make({ "long": "x".repeat(5_000_000) });
  const service = new FolderService({ path: site.path, list: false, spa: false });
  const slow = new FakeIncoming();
  slow.stall();
  const serving = service.serve(slow, requestHead({ target: "/long" }));
  await eventually("a piece that waits", () => slow.waiting === 1);
  slow.takeAll();
  await within(serving, "a long file");
  assertEquals(slow.text.length, 5_000_000);
  const leaving = new FakeIncoming();
  leaving.stall();
  const left = service.serve(leaving, requestHead({ target: "/long" }));
  await eventually("a piece that waits", () => leaving.waiting === 1);
  leaving.leave();
  // Deno's sanitizer would find the file that stays open.
  await within(left, "the end of an exchange");
  assertEquals(leaving.resetWith, null);
});

Deno.test("FolderService lets an upload go that nobody asked for", async () => {
  await using site = await Site.make({});
  const service = new FolderService({ path: site.path, list: false, spa: false });
  const incoming = new FakeIncoming(undefined, { hasBody: true });
  await service.serve(incoming, requestHead({ method: "POST" }));
  assertEquals([incoming.head?.status, incoming.resetWith?.code], [405, ErrorCode.None]);
});

Deno.test("FolderService says at once why a folder cannot be published", async () => {
  await using site = await Site.make({ "a.txt": "" });
  const made = (path: string) => () => new FolderService({ path, list: false, spa: false });
  for (
    const [path, reason] of [
      [`${site.path}/nowhere`, "there is no such folder"],
      [`${site.path}/a.txt`, "it is a file"],
    ] as const
  ) {
    const error = assertThrows(made(path), ProgramError);
    assertEquals(error.message, `cannot publish the folder ${path}: ${reason}`);
  }
});
