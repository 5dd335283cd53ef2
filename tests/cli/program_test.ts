import { assertEquals } from "@std/assert";
import { nameOfExecutable, nameOfScript } from "../../lib/cli/deno_runtime.ts";

Deno.test({
  name: "nameOfScript gives the path from the folder that the script was started in",
  ignore: Deno.build.os === "windows",
  fn: () => {
    const name = (url: string) => nameOfScript(url, "/home/me/tunnel");
    assertEquals(name("file:///home/me/tunnel/client.ts"), "deno run -A client.ts");
    assertEquals(name("file:///home/me/tunnel/a/b.ts"), "deno run -A a/b.ts");
    assertEquals(name("file:///srv/client.ts"), "deno run -A ../../../srv/client.ts");
  },
});

Deno.test("nameOfScript gives the URL of a script from elsewhere", () => {
  const url = "https://tunnel.example/client.ts";
  assertEquals(nameOfScript(url, "/"), `deno run -A ${url}`);
});

Deno.test("nameOfExecutable gives the file's name, also a new one", () => {
  assertEquals(nameOfExecutable("/usr/local/bin/tunnel-client"), "tunnel-client");
  assertEquals(nameOfExecutable("/usr/local/bin/tc"), "tc");
  assertEquals(nameOfExecutable("/dist/tunnel-server.exe"), "tunnel-server");
});
