import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { AuthorizedKeys, AuthorizedKeysError } from "../../../lib/server/access/authorized_keys.ts";
import { TempDir } from "../../testing/temp_dir.ts";

const A = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
const B = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const C = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg8";

Deno.test("AuthorizedKeys reads a key a line with its names, and passes over comments and blank lines", () => {
  const keys = AuthorizedKeys.parse(
    [
      "# everybody of ours",
      "",
      `${A} shop, blog www # the shop's`,
      `\t${B}\tApi,mail\r`,
      `  ${C}#no names`,
      "   # nothing",
    ].join("\n"),
    "keys",
  );
  assertEquals(keys.size, 3);
  assert(keys.has(A) && keys.has(B) && keys.has(C));
  assert(!keys.has(A.toLowerCase()) && !keys.has(""));
  for (const name of ["shop", "blog", "www"]) assert(keys.owns(A, name), name);
  for (const name of ["api", "mail"]) assert(keys.owns(B, name), name);
  assert(!keys.owns(A, "api") && !keys.owns(C, "shop") && !keys.owns("x", "shop"));
});

Deno.test("AuthorizedKeys reads what a key may have, until when, and what is noted of it", () => {
  const text =
    `${A} shop rate=100/s max-streams=50 max-body=10mb expires=2099-01-31 # Ann's laptop\n` +
    `${B} expires=2020-01-31T12:00Z\n${C}`;
  const keys = AuthorizedKeys.parse(text, "keys");
  assertEquals(keys.limitsOf(A), {
    rate: { count: 100, period: 1000 },
    maxStreams: 50,
    maxBody: 10_000_000,
  });
  const none = { rate: null, maxStreams: null, maxBody: null };
  assertEquals([keys.limitsOf(B), keys.limitsOf(C), keys.limitsOf("x")], [none, none, none]);
  assertEquals([A, B, C].map((key) => keys.isExpired(key)), [false, true, false]);
  // The last day counts.
  assertEquals(keys.nextExpiry, Date.UTC(2099, 1, 1));
  assertEquals([A, B, "x"].map((key) => keys.commentOf(key)), ["Ann's laptop", "", ""]);
  assert(keys.owns(A, "shop") && !keys.owns(A, "rate=100/s"));
});

Deno.test("AuthorizedKeys of an empty file let nobody in", () => {
  assertEquals(AuthorizedKeys.parse("", "keys").size, 0);
  assert(!AuthorizedKeys.parse("# nobody", "keys").has(A));
});

Deno.test("AuthorizedKeys names the file, the line and the word that is wrong", () => {
  for (
    const [line, ...words] of [
      ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@host", '"ssh-ed25519"', "--show-key"],
      [A.slice(1), A.slice(1), "43 characters"],
      [`${A}=`, "43 characters"],
      [`${A.slice(0, -1)}l`, "43 characters"],
      [A.replace("_", "/"), "43 characters"],
      ["6nyfjbfosvudec2vhh7g2sby5h7a4ab3olvmmrwbwqo7wxgym3ca", "43 characters"],
      ["x".repeat(10_000), "…"],
      [`${B} a_b`, '"a_b"'],
      [`${B} shop.example.com`, '"shop.example.com"'],
      [`${B} -a`, '"-a"'],
      [`${B} ${"a".repeat(64)}`, "63"],
      [`${B} 6nyfjbfosvudec2vhh7g2sby5h7a4ab3olvmmrwbwqo7wxgym3ca`, "id"],
      [`${B} ${Array.from({ length: 65 }, (_, i) => `n${i}`).join(",")}`, "64 names"],
      [A, "line 2 already"],
      [`${B} shop`, "the name shop", "line 2 already"],
      [`${B} rates=1/s`, '"rates"', "rate, max-streams, max-body, expires"],
      [`${B} rate=100`, "rate must be a rate", '"100"'],
      [`${B} rate=1/s rate=2/s`, "more than once"],
      [`${B} max-streams=0`, "max-streams must be a whole number"],
      [`${B} max-body=big`, "max-body must be a size"],
      [`${B} max-body=`, "max-body must be a size"],
      [`${B} expires=2027-02-31`, "expires must be a day", '"2027-02-31"'],
      [`${B} expires=tomorrow`, "expires must be a day"],
      [`${B} =1`, "there is no setting"],
    ] as const
  ) {
    const text = `# a comment\n${A} shop\n\n${line}\n${C}`;
    const error = assertThrows(
      () => AuthorizedKeys.parse(text, "/etc/tunnel/keys"),
      AuthorizedKeysError,
    );
    assertEquals(error.code, "bad_line");
    assertStringIncludes(error.message, "/etc/tunnel/keys, line 4: ");
    for (const word of words) assertStringIncludes(error.message, word);
    assert(error.message.length < 300, error.message);
  }
});

Deno.test("AuthorizedKeys.read refuses a file that is not there, is no text, or has more than a megabyte", async () => {
  await using folder = await TempDir.make();
  const file = `${folder.path}/keys`;
  const refused = (code: string, words: string, path = file) => {
    const error = assertThrows(() => AuthorizedKeys.read(path), AuthorizedKeysError, words);
    assertEquals(error.code, code);
    assertStringIncludes(error.message, path);
  };
  refused("unreadable", "no such file");
  refused("unreadable", "", folder.path);
  await Deno.writeFile(file, new Uint8Array([0xff, 0xfe, 0x41]));
  refused("unreadable", "UTF-8");
  await Deno.writeTextFile(file, `${A}\n${"#".repeat(1024 * 1024)}`);
  refused("too_large", "1048576");
  if (Deno.build.os === "linux") refused("too_large", "1048576", "/dev/zero");
  await Deno.writeTextFile(file, `\ufeff${A} shop\r\n`);
  assert(AuthorizedKeys.read(file).owns(A, "shop"), "with the mark that some editors write");
});
