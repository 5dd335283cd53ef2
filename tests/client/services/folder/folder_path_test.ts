import { assertEquals } from "@std/assert";
import { readFolderPath } from "../../../../lib/client/services/folder/folder_path.ts";

/** Targets that lead out of a folder, or to what is not to be seen, where somebody reads them carelessly. */
const ATTACKS = {
  "climbs": ["/..", "/../", "/../a", "/a/../../b", "/a/..", "/.", "/./a", "/...", "/..;/a"],
  "climbs, percent-encoded": [
    ...["/%2e%2e/a", "/%2E%2E/a", "/.%2e/a", "/%2e./a", "/a/%2e%2e/%2e%2e/b", "/%2e/a"],
  ],
  "encoded separators": [
    ...["/..%2fa", "/..%2Fa", "/a%2f..%2f..%2fb", "/%2fetc/passwd", "/a%2fb", "/%2e%2e%2fa"],
  ],
  "backslashes": [
    ...["/..\\a", "/..%5ca", "/..%5C..%5Ca", "/\\etc", "/%5c%5chost%5cshare", "/a\\b", "/a%5cb"],
  ],
  "overlong and broken UTF-8": [
    ...["/%c0%ae%c0%ae/a", "/%c0%afetc", "/%e0%80%ae/a", "/\xc0\xae/a", "/%ff", "/%ed%a0%80"],
  ],
  "broken encodings": ["/%", "/%2", "/%zz", "/%u002e%u002e/a", "/a%"],
  "empty names": ["//", "//a", "/a//b", "//etc/passwd", "///", "//host.example/a"],
  "control characters": ["/a%00", "/a%00.html", "/%0a", "/a%0d%0ab", "/%7f", "/%1b[2J"],
  "names with a dot before them": [
    ...["/.env", "/.git/config", "/a/.htaccess", "/%2eenv", "/.well-known2/a", "/a/.well-known/b"],
    ...["/.well-known/.secret", "/.well-known/../a"],
  ],
  "other forms of a target": ["*", "", "a", "http://host.example/a", "host.example:443"],
} as const;

for (const [kind, targets] of Object.entries(ATTACKS)) {
  Deno.test(`readFolderPath leads nowhere by ${kind}`, () => {
    for (const target of targets) {
      assertEquals(readFolderPath(target, false), null, target);
      assertEquals(readFolderPath(target, true), null, target);
      assertEquals(readFolderPath(`${target}?a=b`, false), null, target);
    }
  });
}

Deno.test("readFolderPath leads nowhere by what Windows alone reads as something else", () => {
  const names = [
    ...["C:", "C:%5c", "a:b", "a::$DATA", "a%3a$DATA", "file.txt.", "file.txt%20", "a.", "a%20"],
    ...["con", "CON", "nul", "NUL.txt", "aux.html", "prn", "com1", "COM9.log", "lpt1", "conin$"],
    ...["com%C2%B9", "a*", "a%3F", "a%22", "%3Ca", "a%7C"],
  ];
  for (const name of names) {
    assertEquals(readFolderPath(`/${name}`, true), null, name);
    assertEquals(readFolderPath(`/a/${name}/b`, true), null, name);
  }
  for (const name of ["console", "null", "com10", "a b", "auxiliary.html", "nul-1"]) {
    assertEquals(readFolderPath(`/${name}`, true)?.names, [name]);
  }
});

Deno.test("readFolderPath decodes each name once, and tells the path of a folder", () => {
  const read = (target: string) => readFolderPath(target, false);
  assertEquals(read("/"), { names: [], isFolder: true });
  assertEquals(read("/a/b.html"), { names: ["a", "b.html"], isFolder: false });
  assertEquals(read("/a/b/?c=/../d"), { names: ["a", "b"], isFolder: true });
  assertEquals(read("/a%20b/%C3%A9%252e"), { names: ["a b", "é%2e"], isFolder: false });
  assertEquals(read("/caf\xc3\xa9"), { names: ["café"], isFolder: false });
  assertEquals(read("/a..b/c.")?.names, ["a..b", "c."]);
  assertEquals(read("/.well-known/security.txt")?.names, [".well-known", "security.txt"]);
});
