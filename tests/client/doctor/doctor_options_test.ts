import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/cli/command_line.ts";
import { parseDoctorOptions } from "../../../lib/client/doctor/doctor_options.ts";

Deno.test("a doctor goes to the server that is named, or to the client's own", () => {
  assertEquals(serversOf(["tunnel.example.com"]), ["https://tunnel.example.com"]);
  assertEquals(serversOf(["localhost:6519"]), ["http://localhost:6519"]);
  assertEquals(serversOf(["--server", "a.example", "--server", "b.example"]), [
    "https://a.example",
    "https://b.example",
  ]);
  assertEquals(serversOf([], { TUNNEL_SERVER: "a.example" }), ["https://a.example"]);
  assertEquals(serversOf([]), ["http://localhost:6519"]);
});

Deno.test("a doctor refuses what it does not understand in one line", () => {
  const mistakes: readonly (readonly [args: readonly string[], message: string])[] = [
    [
      ["https://a.example/path"],
      'the server must be like https://tunnel.example.com, without a path, not "https://a.example/path"',
    ],
    [["a.example", "--server", "b.example"], '"a.example" and --server both name the server'],
    [["a.example", "b.example"], 'unexpected argument "b.example"'],
    [["--port", "80"], "unknown flag --port"],
  ];
  for (const [args, message] of mistakes) {
    const error = assertThrows(() => serversOf(args), UsageError);
    assertEquals(error.message.slice(0, message.length), message);
  }
});

function serversOf(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): readonly string[] {
  const variables = { HOME: "/home/ann", ...environment };
  const command = parseDoctorOptions(args, variables, { name: "tunnel-client", os: "linux" });
  if (command.kind !== "run") throw new Error(`the command is ${command.kind}`);
  return command.options.servers;
}
