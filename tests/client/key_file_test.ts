import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { KeyFileError, loadKeyFile } from "../../lib/client/key_file.ts";
import { thumbprintOf } from "../../lib/identity/thumbprint.ts";
import { TempDir } from "../testing/temp_dir.ts";

const isWindows = Deno.build.os === "windows";

Deno.test("loadKeyFile makes a key that its owner alone can read, and reads the same one later", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/settings/tunnel/key.pem`;
  const made = await loadKeyFile(path);
  const read = await loadKeyFile(path);
  assertEquals(await thumbprintOf(made.key.publicKey), await thumbprintOf(read.key.publicKey));
  assertEquals([made.warning, read.warning], [null, null]);
  assert(!read.key.privateKey.extractable);
  assertMatch(await Deno.readTextFile(path), /^-----BEGIN PRIVATE KEY-----\n/);
  if (isWindows) return;
  assertEquals(await modeOf(path), 0o600);
  assertEquals(await modeOf(`${folder.path}/settings/tunnel`), 0o700);
});

Deno.test("loadKeyFile gives all that make a key at once the same one, and leaves no drafts", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  const loads = await Promise.all(Array.from({ length: 8 }, () => loadKeyFile(path)));
  const prints = await Promise.all(loads.map(({ key }) => thumbprintOf(key.publicKey)));
  assertEquals(new Set(prints).size, 1);
  const files = await Array.fromAsync(Deno.readDir(folder.path));
  assertEquals(files.map(({ name }) => name), ["key.pem"]);
});

Deno.test("loadKeyFile warns of a key that others can read", async () => {
  if (isWindows) return;
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  await loadKeyFile(path);
  for (const mode of [0o640, 0o604, 0o620]) {
    await Deno.chmod(path, mode);
    const { warning } = await loadKeyFile(path);
    assertEquals(warning, `the key ${path} can be read by others; run: chmod 600 ${path}`);
  }
});

Deno.test("loadKeyFile refuses what is not an Ed25519 key, and leaves it as it is", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const other = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)).toBase64();
  const texts = [
    "",
    "a note",
    pem("not base64!"),
    pem("AAAA"),
    pem("A"),
    pem(other),
    "x".repeat(16 * 1024 + 1),
  ];
  for (const text of texts) {
    await Deno.writeTextFile(path, text);
    await assertFails(path, "not_a_key");
    assertEquals(await Deno.readTextFile(path), text);
  }
});

Deno.test("loadKeyFile says that what stands there is a directory", async () => {
  await using folder = await TempDir.make();
  const error = await assertRejects(() => loadKeyFile(folder.path), KeyFileError);
  assertEquals(error.code, "not_a_key");
  assertEquals(error.message, `the key ${folder.path} is a directory, not a PEM file`);
});

Deno.test("loadKeyFile says why a key cannot be made or read", async () => {
  await using folder = await TempDir.make();
  const file = `${folder.path}/file`;
  await Deno.writeTextFile(file, "in the way");
  // What follows a file cannot be a folder; systems differ in whether they find this out at once.
  const error = await assertRejects(() => loadKeyFile(`${file}/key.pem`), KeyFileError);
  assertMatch(error.code, /^un(readable|writable)$/);
  assertMatch(error.message, /^cannot (read|make) the key .*key\.pem: /);
});

async function assertFails(path: string, code: KeyFileError["code"]): Promise<void> {
  const error = await assertRejects(() => loadKeyFile(path), KeyFileError);
  assertEquals(error.code, code, error.message);
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

function pem(base64: string): string {
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}
