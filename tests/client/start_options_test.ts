import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Environment, UsageError } from "../../lib/cli/command_line.ts";
import { ProgramError } from "../../lib/cli/program.ts";
import { readConfig } from "../../lib/client/config/read_config.ts";
import type { ClientOptions } from "../../lib/client/options.ts";
import { parseStartOptions } from "../../lib/client/start_options.ts";

const HOME = { HOME: "/home/me" };

function tunnelsOf(
  text: string,
  args: readonly string[] = [],
  environment: Environment = HOME,
): readonly ClientOptions[] {
  const config = readConfig("/c.yaml", text);
  const command = parseStartOptions(args, environment, { os: "linux", config });
  assert(command.kind === "run");
  return command.options.tunnels;
}

Deno.test("parseStartOptions gives each tunnel its label by its name, unless the file says another", () => {
  const text =
    'tunnels: { web: 3000, api: { service: 4000, label: shop }, old: { service: 5000, label: "" } }';
  assertEquals(tunnelsOf(text).map(({ tunnel, label }) => [tunnel, label]), [
    ["web", "web"],
    ["api", "shop"],
    ["old", ""],
  ]);
  assertEquals(tunnelsOf(text, ["old", "web"]).map(({ tunnel }) => tunnel), ["web", "old"]);
});

Deno.test("parseStartOptions lets flags and variables win for all tunnels, but not what only one can have", () => {
  const text =
    "token: file\nconnections: 3\ntunnels: { web: 3000, api: { service: 4000, allow-ip: ::1 } }";
  const environment = { ...HOME, TUNNEL_TOKEN: "variable", TUNNEL_NAME: "shop", TUNNEL_PORT: "80" };
  const tunnels = tunnelsOf(text, ["--allow-ip", "10.0.0.0/8"], environment);
  assertEquals(
    tunnels.map(({ token, connections, allowIp, name }) => [token, connections, allowIp, name]),
    [
      ["variable", 3, ["10.0.0.0/8"], null],
      ["variable", 3, ["10.0.0.0/8"], null],
    ],
  );
  assertThrows(() => tunnelsOf(text, ["--name", "shop"]), UsageError, "unknown flag --name");
});

Deno.test("parseStartOptions refuses two tunnels of one address, and a file without any", () => {
  const twice = "tunnels: { web: 3000, api: { service: 4000, label: web } }";
  assertThrows(
    () => tunnelsOf(twice),
    ProgramError,
    "/c.yaml: the tunnels web and api have the same label",
  );
  const names = "tunnels: { web: { service: 3000, name: a }, api: { service: 4000, name: a } }";
  assertThrows(() => tunnelsOf(names), ProgramError, "both want the name a");
  assertThrows(() => tunnelsOf("server: a.example"), ProgramError, "/c.yaml has no tunnels");
});

Deno.test("parseStartOptions gives many tunnels one connection each, so that a server takes all of them", () => {
  const fileOf = (count: number) =>
    `tunnels:\n${Array.from({ length: count }, (_, i) => `  t${i}: 3000\n`).join("")}`;
  const connections = (text: string, ...args: readonly string[]) =>
    new Set(tunnelsOf(text, args).map((tunnel) => tunnel.connections));
  assertEquals(connections(fileOf(24)), new Set([2]));
  assertEquals(connections(fileOf(25)), new Set([1]));
  assertEquals(connections(fileOf(100)), new Set([1]));
  assertEquals(connections(fileOf(25), "--connections=2"), new Set([2]));
});
