import { assertEquals } from "@std/assert";
import { type CommandKind, commandOf } from "../../../../lib/client/inspector/page/commands.ts";
import { exchange, request } from "./exchanges.ts";

const SENT = exchange({
  method: "POST",
  target: "/a?b='c'",
  request: request([
    ["host", "shop.example.com"],
    ["content-type", "text/plain"],
    ["content-length", "5"],
    ["x-name", "Zo\u00c3\u00ab"],
    ["x-empty", ""],
    ["x-forwarded-for", "192.0.2.1"],
  ]),
});

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("commandOf writes what curl takes, quoted for a shell", () => {
  assertEquals(commandOf("curl", SENT, bytes("it's\nso")).split("\n"), [
    "curl 'https://shop.example.com/a?b='\\''c'\\''' \\",
    "  -H 'content-type: text/plain' \\",
    "  -H 'x-name: Zoë' \\",
    "  -H 'x-empty;' \\",
    "  --compressed \\",
    "  --data-raw 'it'\\''s",
    "so'",
  ]);
  assertEquals(
    commandOf("curl", exchange({ method: "DELETE", target: "/" }), bytes("")),
    "curl -X DELETE https://shop.example.com/ \\\n  --compressed",
  );
});

Deno.test("commandOf brings a body that is no text through a pipe", () => {
  const command = commandOf("curl", SENT, new Uint8Array([0, 255]));
  assertEquals(command.startsWith("printf %s 'AP8=' | base64 -d | curl "), true);
  assertEquals(command.endsWith("--data-binary @-"), true);
});

Deno.test("commandOf writes what HTTPie takes", () => {
  assertEquals(commandOf("HTTPie", SENT, bytes("ab")).split("\n"), [
    "http POST 'https://shop.example.com/a?b='\\''c'\\''' \\",
    "  'content-type: text/plain' \\",
    "  'x-name: Zoë' \\",
    "  'x-empty;' \\",
    "  --raw ab",
  ]);
});

Deno.test("commandOf writes no field by which HTTPie would read a file or make JSON", () => {
  const fields = [["host", "a"], ["x-file", "@/etc/passwd"], ["x-json", "=1"]] as const;
  const [, ...lines] = commandOf("HTTPie", exchange({ request: request(fields) }), bytes(""))
    .split(" \\\n  ");
  assertEquals(lines, ["'x-file: @/etc/passwd'", "'x-json: =1'"]);
});

Deno.test("commandOf keeps curl and HTTPie from reading more out of a target than it says", () => {
  const of = (kind: CommandKind, target: string) =>
    commandOf(kind, exchange({ method: "GET", target, request: request([]) }), bytes(""));
  const url = (path: string) => `'https://shop.example.com${path}'`;
  const brackets = "/?ids[]=1&a={b,c}";
  assertEquals(of("curl", brackets), `curl --globoff ${url(brackets)} \\\n  --compressed`);
  for (const path of ["/a/../b?", "/./?a", "/.?", "/a/..?"]) {
    assertEquals(of("curl", path), `curl --path-as-is ${url(path)} \\\n  --compressed`);
    assertEquals(of("HTTPie", path), `http --ignore-stdin --path-as-is GET ${url(path)}`);
  }
  for (const path of ["/.well-known/?", "/a..?"]) {
    assertEquals(of("curl", path), `curl ${url(path)} \\\n  --compressed`);
  }
});

Deno.test("commandOf writes a call of fetch that sends the same body", async () => {
  const text = commandOf("fetch", SENT, new Uint8Array([0, 255]));
  const sent = Promise.withResolvers<Request>();
  const run = new Function("fetch", `return (async () => { ${text} })()`);
  await run((url: string, init: RequestInit) => sent.resolve(new Request(url, init)));
  const { method, url, headers, body } = await sent.promise;
  assertEquals([method, url], ["POST", "https://shop.example.com/a?b=%27c%27"]);
  assertEquals(headers.get("content-type"), "text/plain");
  assertEquals(new Uint8Array(await new Response(body).arrayBuffer()), new Uint8Array([0, 255]));
});

Deno.test("commandOf writes for curl what a shell reads as the same words", async () => {
  const body = "a'b\"c$d`e\\f\n!g";
  const command = commandOf("curl", SENT, bytes(body)).replace("curl", "printf '%s\\n'");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  assertEquals(new TextDecoder().decode(stdout).endsWith(`--data-raw\n${body}\n`), true);
});
