import { assertEquals } from "@std/assert";
import { commandOf } from "../../../../lib/client/inspector/page/commands.ts";
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
    "  content-type:text/plain \\",
    "  'x-name:Zoë' \\",
    "  'x-empty;' \\",
    "  --raw ab",
  ]);
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
