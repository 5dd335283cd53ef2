import { assertEquals, assertMatch } from "@std/assert";
import { Log } from "../../lib/cli/log.ts";
import { tellReady } from "../../lib/server/service_manager.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { within } from "../testing/within.ts";

// Windows has no such sockets.
const ignore = Deno.build.os === "windows";

Deno.test("tellReady tells the socket of a service manager, and nobody where there is none", {
  ignore,
}, async () => {
  await using folder = await TempDir.make();
  const path = `${folder.path}/notify`;
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  try {
    const { log, lines } = collecting();
    await tellReady(undefined, log);
    await tellReady("", log);
    await tellReady(path, log);
    const [bytes] = await within(socket.receive(), "the message");
    assertEquals([new TextDecoder().decode(bytes), lines], ["READY=1", []]);
  } finally {
    socket.close();
  }
});

Deno.test("tellReady goes on when the service manager cannot be told, and says so", {
  ignore,
}, async () => {
  await using folder = await TempDir.make();
  for (const path of [`${folder.path}/nobody`, "@abstract", "\0abstract"]) {
    const { log, lines } = collecting();
    await tellReady(path, log);
    assertEquals(lines.length, 1);
    assertMatch(lines.join(), /service manager cannot be told that this program is ready/);
  }
});

function collecting(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { log: new Log({ format: "text", level: "info", write }), lines };
}
