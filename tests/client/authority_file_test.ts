import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ProgramError } from "../../lib/cli/program.ts";
import { readAuthorities } from "../../lib/client/authority_file.ts";
import { CERTIFICATE, pathOf } from "../testing/certificate.ts";
import { TempDir } from "../testing/temp_dir.ts";

Deno.test("readAuthorities reads every certificate of a file, and passes over what else is there", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/bundle.pem`;
  const [first = "", second = ""] = [pathOf("authority.pem"), CERTIFICATE.certFile]
    .map((file) => Deno.readTextFileSync(file).trim());
  await Deno.writeTextFile(path, `# ours\n${first}\nanother one\n${second}\n`);
  assertEquals(await readAuthorities(path), [first, second]);
});

Deno.test("readAuthorities refuses a file without a certificate, for Deno would trust nobody more in silence", async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/authority.pem`;
  const cases: Readonly<Record<string, RegExp>> = {
    "": /has no certificate in PEM \(-----BEGIN CERTIFICATE-----\)$/,
    [Deno.readTextFileSync(CERTIFICATE.keyFile)]: /has no certificate in PEM/,
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n":
      /has a certificate that cannot be read$/,
    ["x".repeat(1024 * 1024 + 1)]: /is larger than 1048576 bytes$/,
  };
  for (const [text, expected] of Object.entries(cases)) {
    await Deno.writeTextFile(path, text);
    assertMatch(await refusalOf(path), expected);
  }
  assertEquals(
    await refusalOf(`${folder.path}/none`),
    `cannot read the authority ${folder.path}/none: there is no such file`,
  );
});

async function refusalOf(path: string): Promise<string> {
  const error = await assertRejects(() => readAuthorities(path), ProgramError);
  assertEquals(error.exitStatus, 2);
  return error.message;
}
