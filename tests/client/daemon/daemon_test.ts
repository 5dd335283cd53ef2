import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ProgramError } from "../../../lib/cli/program.ts";
import {
  type DaemonCall,
  daemonCall,
  daemonWarnings,
} from "../../../lib/client/daemon/daemon_call.ts";
import { launchdPlist } from "../../../lib/client/daemon/launchd_plist.ts";
import { systemdUnit } from "../../../lib/client/daemon/systemd_unit.ts";
import { isInstalled } from "../../testing/front_proxy.ts";
import { TempDir } from "../../testing/temp_dir.ts";

/** Words that a shell, systemd and XML read in ways of their own. */
const ODD = [
  ...["a b", "", '"quoted"', "back\\slash", "$HOME", "${HOME}", "100%n", ";", "'", "é", "<&>", "-"],
  ...["~", "#", "a;b", "@x", "trailing\\"],
] as const;

Deno.test("daemonCall makes the call that a command line is without its wish for a file", () => {
  const args = ["start", "web", "--print-unit", "--config", "c.yaml", "--print-launchd=true"];
  assertEquals(daemonCall(["/bin/tunnel-client"], args, "/srv"), {
    words: ["/bin/tunnel-client", "start", "web", "--config", "c.yaml"],
    folder: "/srv",
    isReloadable: true,
  });
  assertEquals(daemonCall(["/bin/tunnel-client"], ["3000"], "/").isReloadable, false);
});

Deno.test("daemonWarnings names secrets that stand in the file, and variables that do not", () => {
  const call = callOf("/bin/tunnel-client", "3000", "--token=abc", "--basic-auth", "ann:secret");
  const warnings = daemonWarnings(call, { TUNNEL_SERVER: "a.example", TUNNEL_NAME: "", HOME: "/" });
  assertEquals(warnings.map((warning) => warning.split(" ", 1)[0]), [
    ...["--token", "--basic-auth", "TUNNEL_SERVER"],
  ]);
  assert(!warnings.join().includes("secret stands"), "no secret is shown");
});

Deno.test("systemdUnit quotes words as systemd reads them, and reloads what can be reloaded", () => {
  const unit = systemdUnit({ ...callOf("/bin/t", ...ODD), folder: "/srv/100%" });
  assertStringIncludes(unit, "\nWorkingDirectory=/srv/100%%\n");
  assertStringIncludes(
    unit,
    String
      .raw`ExecStart=:/bin/t "a b" "" "\"quoted\"" "back\\slash" "$HOME" "${"${HOME}"}" 100%%n ";" "'" "é" "<&>" - "~" "#" "a;b" @x "trailing\\"` +
      "\n",
  );
  assert(!unit.includes("ExecReload"));
  assertStringIncludes(systemdUnit(daemonCall(["/bin/t"], ["start"], "/")), "\nExecReload=");
  for (const folder of ["/a\nb", "/a ", "/a\\"]) {
    assertThrows(() => systemdUnit({ ...callOf("/bin/t"), folder }), ProgramError, "start it");
  }
});

Deno.test("systemd finds nothing wrong with a unit, and the program in it by an odd path", {
  ignore: !isInstalled("systemd-analyze"),
}, async () => {
  await using folder = await TempDir.make();
  // Quotes and backslashes it takes in other words alone.
  const program = `${folder.path}/o;d %n $HOME é`;
  await Deno.writeTextFile(program, "#!/bin/sh\n", { mode: 0o700 });
  const file = `${folder.path}/tunnel-client.service`;
  await Deno.writeTextFile(file, systemdUnit(daemonCall([program], ["start", ...ODD], "/")));
  const said = await outputOf("systemd-analyze", ["verify", "--man=no", file]);
  assert(!said.includes(folder.path), said);
  // The unit that cannot be found says how its path was read.
  await Deno.remove(program);
  assertStringIncludes(
    await outputOf("systemd-analyze", ["verify", "--man=no", file]),
    `${program} is not executable`,
  );
});

Deno.test("a parser of property lists reads the words that launchdPlist wrote", {
  ignore: !isInstalled("python3"),
}, async () => {
  const words = ["/bin/tunnel-client", ...ODD];
  await using folder = await TempDir.make();
  const file = `${folder.path}/tunnel-client.plist`;
  await Deno.writeTextFile(file, launchdPlist(callOf(...words), "/Users/me"));
  const script = "import json, plistlib, sys; " +
    "print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
  const read = JSON.parse(await outputOf("python3", ["-c", script, file]));
  assertEquals(read.ProgramArguments, words);
  assertEquals([read.WorkingDirectory, read.Umask, read.KeepAlive], [
    ...["/srv", 0o077],
    { SuccessfulExit: false },
  ]);
  const bell = callOf("/bin/t", "\x07");
  assertThrows(() => launchdPlist(bell, "/Users/me"), ProgramError, "property list");
});

function callOf(...words: readonly string[]): DaemonCall {
  return { words, folder: "/srv", isReloadable: false };
}

/** Runs a tool and returns what it says, on either output. */
async function outputOf(tool: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(tool, { args: [...args] }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}
