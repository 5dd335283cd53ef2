import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { DNSLookup } from "../../../lib/server/tls/dns_lookup.ts";
import { HookAnswers } from "../../../lib/server/tls/hook_answers.ts";
import { SILENT } from "../../testing/listening.ts";
import { TempDir } from "../../testing/temp_dir.ts";

const PROOF = { name: "a.example", token: "t", keyAuthorization: "t.k", text: "-proof" };

/** The programs are shell scripts. */
const ignore = Deno.build.os === "windows";

Deno.test(
  "HookAnswers calls its program with what to do, the name and the text, and waits for its end",
  {
    ignore,
  },
  async () => {
    await using folder = await TempDir.make();
    const program = await script(folder, `echo "$@" >> ${folder.path}/calls`);
    const { answers } = hook(program);
    await answers.show(PROOF);
    await answers.hide(PROOF);
    assertEquals(
      await Deno.readTextFile(`${folder.path}/calls`),
      "set _acme-challenge.a.example -proof\nclear _acme-challenge.a.example -proof\n",
    );
  },
);

Deno.test(
  "HookAnswers says how its program failed, with its last words; what cannot be cleared is a warning",
  {
    ignore,
  },
  async () => {
    await using folder = await TempDir.make();
    const failing = await script(folder, "echo one >&2; echo 'no such zone' >&2; exit 3");
    const { answers, lines } = hook(failing);
    const { message } = await assertRejects(() => answers.show(PROOF), Error);
    assertMatch(
      message,
      /could not set the TXT record of _acme-challenge\.a\.example: status 3, no such zone$/,
    );
    await answers.hide(PROOF);
    assertMatch(lines.join("\n"), /a TXT record may be left over.*could not clear/);
    const missing = hook(`${folder.path}/missing`).answers;
    assertMatch(
      (await assertRejects(() => missing.show(PROOF), Error)).message,
      /there is no such file$/,
    );
  },
);

async function script(folder: TempDir, text: string): Promise<string> {
  const path = `${folder.path}/hook.sh`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
  return path;
}

function hook(program: string) {
  const lines: string[] = [];
  const log = new Log({ format: "text", level: "info", write: (line) => lines.push(line) });
  const lookup = new DNSLookup({ resolver: "off", advice: "", log: SILENT });
  return { answers: new HookAnswers({ program, lookup, log }), lines };
}
