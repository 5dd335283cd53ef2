import { assertEquals } from "@std/assert";
import { systemCode, systemReason } from "../../lib/net/system_reason.ts";
import { freePort } from "../testing/free_port.ts";
import { TempDir } from "../testing/temp_dir.ts";

const isWindows = Deno.build.os === "windows";

Deno.test("systemReason says in plain words what the system refused", async () => {
  await using folder = await TempDir.make();
  const file = `${folder.path}/file`;
  await Deno.writeTextFile(file, "");
  const cases: readonly (readonly [attempt: () => unknown, expected: string])[] = [
    [() => Deno.readTextFile(`${folder.path}/none`), "there is no such file"],
    [() => Deno.connect({ hostname: "127.0.0.1", port: freePort() }), "nothing listens there"],
    [() => listenTwice(), "the port is in use"],
    [() => Deno.listen({ hostname: "192.0.2.1", port: 0 }), "this machine has no such address"],
    ...(isWindows ? [] : [
      [() => Deno.readTextFile(folder.path), "it is a folder, not a file"],
      [() => Deno.readTextFile(`${file}/x`), "a file stands where a folder is expected"],
    ] as const),
    ...(Deno.build.os === "linux"
      ? [[() => Deno.writeTextFile("/dev/full", "x"), "the disk is full"]] as const
      : []),
  ];
  for (const [attempt, expected] of cases) {
    assertEquals(systemReason(await failed(attempt)), expected);
  }
});

Deno.test("systemReason leaves out what tells a programmer alone", () => {
  assertEquals(
    systemReason(new Error("Strange weather (os error 5): readfile '/x'")),
    "Strange weather",
  );
  assertEquals(systemReason(new TypeError("")), "TypeError");
  assertEquals(systemReason("thrown"), "thrown");
});

Deno.test({
  name: "systemReason names the permission that Deno was started without",
  permissions: { read: false },
  fn() {
    try {
      Deno.readTextFileSync("/etc/hosts");
    } catch (error) {
      assertEquals(
        systemReason(error),
        'Deno was started without permission for it (read access to "/etc/hosts"; --allow-read)',
      );
      return;
    }
    throw new Error("it was allowed");
  },
});

Deno.test("systemCode tells a name without an address from a missing name server", () => {
  const failure = (text: string) => new Error(`failed to lookup address information: ${text}`);
  assertEquals(systemCode(failure("Name or service not known")), "EAI_NONAME");
  assertEquals(systemCode(failure("Temporary failure in name resolution")), "EAI_AGAIN");
  assertEquals(systemReason(failure("Name or service not known")), "its name has no address");
  assertEquals(systemReason(failure("Temporary failure")), "no name server answers");
  assertEquals(systemCode(new Error("lookup")), "");
  assertEquals(systemCode("thrown"), "");
});

/** Makes an attempt that fails and returns its error. */
async function failed(attempt: () => unknown): Promise<unknown> {
  try {
    await attempt();
  } catch (error) {
    return error;
  }
  throw new Error(`${attempt} did not fail`);
}

function listenTwice(): void {
  using first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  Deno.listen({ hostname: "127.0.0.1", port: first.addr.port });
}
