import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { clientToken, isPublic, tellToken } from "../../../lib/server/access/client_token.ts";
import { Log } from "../../../lib/cli/log.ts";
import { StateError, StateFolder } from "../../../lib/server/state_folder.ts";
import { TempDir } from "../../testing/temp_dir.ts";

Deno.test("clientToken makes a token once, and a server beside this one finds the same", async () => {
  await using folder = await TempDir.make();
  const state = await StateFolder.open(folder.path);
  const first = await clientToken(state);
  assertMatch(first.token, /^[A-Za-z0-9_-]{43}$/);
  assertEquals([first.isNew, first.file], [true, `${folder.path}/token`]);
  const again = await clientToken(await StateFolder.open(folder.path));
  assertEquals(again, { ...first, isNew: false });
  if (Deno.build.os === "windows") return;
  assertEquals((Deno.statSync(first.file).mode ?? 0) & 0o777, 0o600);
});

Deno.test("clientToken takes no file that is damaged, or that others may read", async () => {
  await using folder = await TempDir.make();
  const state = await StateFolder.open(folder.path);
  const file = `${folder.path}/token`;
  for (
    const text of ["", "short\n", "0123456789abcdef 0123456789abcdef\n", "0123456789abcdef\n\n"]
  ) {
    await Deno.writeTextFile(file, text, { mode: 0o600 });
    const { message } = await assertRejects(() => clientToken(state), StateError);
    assertMatch(message, /there is no token in .*token: remove it/);
  }
  await Deno.writeTextFile(file, "0123456789abcdef");
  assertEquals((await clientToken(state)).token, "0123456789abcdef", "of the operator's own");
  if (Deno.build.os === "windows") return;
  await Deno.chmod(file, 0o644);
  await assertRejects(() => clientToken(state), StateError, "chmod 600");
});

Deno.test("tellToken shows a new token to a terminal, once, and to no log", () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const terminal = new Log({ format: "text", level: "info", isTerminal: true, write });
  const made = { token: "0123456789abcdef", file: "/state/token" };
  const server = "https://tunnel.example.com";
  tellToken({ ...made, isNew: true }, { server, log: terminal });
  assertMatch(
    lines[0] ?? "",
    /tunnel-client login \S+example.com --token 0123456789abcdef /,
  );
  tellToken({ ...made, isNew: false }, { server, log: terminal });
  tellToken({ ...made, isNew: true }, {
    server,
    log: new Log({ format: "json", level: "info", write }),
  });
  tellToken({ ...made, isNew: true }, {
    server,
    log: new Log({ format: "text", level: "info", write }),
  });
  assertEquals(lines.slice(1).map((line) => line.includes("/state/token")), [true, true, true]);
  assert(!lines.slice(1).some((line) => line.includes(made.token)), lines.join("\n"));
});

Deno.test("isPublic goes by the names that a server has", () => {
  for (const domain of ["localhost", "tunnel.localhost", "a.b.localhost"]) {
    assert(!isPublic({ domain, publicUrl: null }), domain);
  }
  for (
    const host of ["localhost:6519", "hub.localhost", "127.0.0.1:80", "127.8.9.1", "[::1]:6519"]
  ) {
    assert(!isPublic({ domain: "localhost", publicUrl: `http://${host}` }), host);
  }
  for (
    const host of ["tunnel.example.com", "localhost.example", "10.0.0.7:6519", "[2001:db8::1]"]
  ) {
    assert(isPublic({ domain: "localhost", publicUrl: `http://${host}` }), host);
  }
  assert(isPublic({ domain: "tunnel.example.com", publicUrl: "http://localhost:6519" }));
});
