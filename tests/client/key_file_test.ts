import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { KeyFileError, type LoadedKey, loadKeyFile } from "../../lib/client/key_file.ts";
import { thumbprintOf } from "../../lib/identity/thumbprint.ts";
import { TempDir } from "../testing/temp_dir.ts";

const isWindows = Deno.build.os === "windows";

Deno.test("loadKeyFile makes a key that its owner alone can read, and reads the same one later", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/settings/tunnel/key.pem`;
  const made = await loadKeyFile({ path, makesFolder: true });
  const read = await load(path);
  assertEquals(await thumbprintOf(made.key.publicKey), await thumbprintOf(read.key.publicKey));
  assertEquals([made.warning, read.warning], [null, null]);
  assertEquals([made.isNew, read.isNew], [true, false]);
  assert(!read.key.privateKey.extractable);
  assertMatch(await Deno.readTextFile(path), /^-----BEGIN PRIVATE KEY-----\n/);
  if (isWindows) return;
  assertEquals(await modeOf(path), 0o600);
  assertEquals(await modeOf(`${folder.path}/settings/tunnel`), 0o700);
});

Deno.test("loadKeyFile gives all that make a key at once the same one, and leaves no drafts", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  const loads = await Promise.all(Array.from({ length: 8 }, () => load(path)));
  const prints = await Promise.all(loads.map(({ key }) => thumbprintOf(key.publicKey)));
  assertEquals(new Set(prints).size, 1);
  assertEquals(loads.filter(({ isNew }) => isNew).length, 1, "one of them has made it");
  const files = await Array.fromAsync(Deno.readDir(folder.path));
  assertEquals(files.map(({ name }) => name), ["key.pem"]);
});

Deno.test("loadKeyFile warns of a key that others can read", async () => {
  if (isWindows) return;
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  await load(path);
  for (const mode of [0o640, 0o604, 0o620]) {
    await Deno.chmod(path, mode);
    const { warning } = await load(path);
    assertEquals(warning, `the key ${path} can be read by others; run: chmod 600 ${path}`);
  }
});

Deno.test("loadKeyFile refuses what is not an Ed25519 key, and leaves it as it is", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  const other = await foreignKey();
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

Deno.test("loadKeyFile says that what stands there is a folder", async () => {
  await using folder = await TempDir.make();
  const error = await assertRejects(() => load(folder.path), KeyFileError);
  assertEquals(error.code, "not_a_key");
  assertStringIncludes(
    error.message,
    `the key ${folder.path} is not an Ed25519 private key in PKCS #8 PEM (it is a folder); `,
  );
});

Deno.test("loadKeyFile says why a key cannot be made or read", async () => {
  await using folder = await TempDir.make();
  const file = `${folder.path}/file`;
  await Deno.writeTextFile(file, "in the way");
  // What follows a file cannot be a folder; systems differ in whether they find this out at once.
  const error = await assertRejects(() => load(`${file}/key.pem`), KeyFileError);
  assertMatch(error.code, /^un(readable|writable)$/);
  assertMatch(error.message, /^cannot (read|make) the key .*key\.pem: /);
});

Deno.test("loadKeyFile makes no folder that somebody has named", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/none/key.pem`;
  const error = await assertRejects(() => load(path), KeyFileError);
  assertEquals(error.code, "no_folder");
  assertEquals(
    error.message,
    `cannot make the key ${path}: there is no folder ${folder.path}/none; make it (mkdir -p), or ` +
      "check --key",
  );
  assertEquals(await Array.fromAsync(Deno.readDir(folder.path)), []);
});

Deno.test("loadKeyFile says what a file holds that is often taken for such a key", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/key.pem`;
  const other = await foreignKey();
  const cases: Readonly<Record<string, string>> = {
    [labelled("OPENSSH PRIVATE KEY")]: "it is a key of OpenSSH's own form",
    [labelled("RSA PRIVATE KEY")]: "it is an RSA key",
    [labelled("EC PRIVATE KEY")]: "it is an ECDSA key",
    [labelled("ENCRYPTED PRIVATE KEY")]: "it is encrypted",
    [labelled("PUBLIC KEY")]: "it is a public key",
    [labelled("CERTIFICATE")]: "it is a certificate",
    [labelled("PGP MESSAGE")]: "it says PGP MESSAGE",
    [pem(other)]: "it is cut, or a key of another kind",
  };
  for (const [text, seen] of Object.entries(cases)) {
    await Deno.writeTextFile(path, text);
    const error = await assertRejects(() => load(path), KeyFileError);
    assertEquals(
      error.message,
      `the key ${path} is not an Ed25519 private key in PKCS #8 PEM (${seen}); name a file in --key ` +
        "that is not there yet, and it is made",
    );
  }
});

/** Loads a key as from a path that somebody has named. */
function load(path: string): Promise<LoadedKey> {
  return loadKeyFile({ path, makesFolder: false });
}

/** Makes an ECDSA key in PKCS #8. */
async function foreignKey(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)).toBase64();
}

function labelled(label: string): string {
  return pem("AAAA").replaceAll("PRIVATE KEY", label);
}

async function assertFails(path: string, code: KeyFileError["code"]): Promise<void> {
  const error = await assertRejects(() => load(path), KeyFileError);
  assertEquals(error.code, code, error.message);
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

function pem(base64: string): string {
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}
