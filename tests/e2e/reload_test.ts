import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const NAMES = ["web", "api", "docs", "mail", "live"] as const;

function answering(text: string): ScriptedOrigin {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`;
  return ScriptedOrigin.answering(head + text);
}

Deno.test(
  "SIGHUP changes the tunnels of a config file that are to be others, under load, and costs no request",
  // Windows has no such signal.
  { ignore: Deno.build.os === "windows" },
  async (t) => {
    await using folder = await TempDir.make();
    const file = `${folder.path}/config.yaml`;
    await using server = await startServer();
    await using origins = new AsyncDisposableStack();
    const origin = (text: string) => origins.use(answering(text)).port;
    const services = new Map<string, number>(NAMES.map((name) => [name, origin(name)]));
    const write = async (more = "") => {
      const tunnels = [...services].map(([name, port]) => `  ${name}: 127.0.0.1:${port}\n`);
      const text = `server: ${server.url.origin}\n${more}tunnels:\n${tunnels.join("")}`;
      await Deno.writeTextFile(file, text);
    };
    await write();
    await using client = await Program.start("client.ts", ["start", "--config", file]);
    await eventually("five tunnels", () => client.stdout.all.length === NAMES.length);
    const hosts = new Map<string, string>();
    for (const line of client.stderr.all) {
      const [, name, port] = /(\w+): connected to .* serving \S+:(\d+)/.exec(line) ?? [];
      if (name !== undefined) assertEquals(services.get(name), Number(port));
    }
    await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
    for (const url of client.stdout.all) {
      const { host } = new URL(url);
      hosts.set((await tunnel.request("/", { host })).text, host);
    }
    const ask = (name: string) => tunnel.request("/", { host: hosts.get(name) ?? "" });
    const reload = async (told: RegExp) => {
      client.signal("SIGHUP");
      return (await within(client.stderr.find(told), `${told}`))?.input ?? "";
    };

    await t.step("one of them has another service, and visitors of all get answers", async () => {
      const counts = new Map<string, number>();
      const wrong: string[] = [];
      let isOver = false;
      const load = NAMES.map(async (name) => {
        while (!isOver) {
          const { status, text } = await ask(name);
          const isRight = text === name || (name === "api" && text === "another");
          if (status !== 200 || !isRight) wrong.push(`${name}: ${status} ${text}`);
          counts.set(name, (counts.get(name) ?? 0) + 1);
        }
      });
      const all = (least: number) => NAMES.every((name) => (counts.get(name) ?? 0) >= least);
      await eventually("load", () => all(10));
      services.set("api", origin("another"));
      await write();
      await reload(/read .*config\.yaml again: api changed$/);
      counts.clear();
      await eventually("more load", () => all(10));
      isOver = true;
      await Promise.all(load);
      assertEquals(wrong, []);
      assertEquals((await ask("api")).text, "another");
    });

    await t.step("a tunnel comes, one goes, and another is refused to all", async () => {
      services.delete("mail");
      services.set("shop", origin("shop"));
      await write("defaults:\n  allow-ip: 192.0.2.1\n");
      const line = await reload(/again: .*mail stopped$/);
      assertStringIncludes(line, "shop started");
      assertStringIncludes(line, "web changed");
      await eventually("the refusal", async () => (await ask("web")).status === 403);
      assertEquals((await ask("mail")).status, 502);
    });

    await t.step("a file with a mistake is refused, and all goes on", async () => {
      await Deno.writeTextFile(file, "tunnels:\n  web: 3000\n  api: nonsense\n");
      const line = await reload(/go on as they were/);
      assertStringIncludes(line, `${file}:3:3: service must be`);
      assertEquals((await ask("live")).status, 403);
    });

    await t.step("what the client takes only when it starts is told", async () => {
      await write("log-level: warn\n");
      await reload(/takes log-level only when it starts: restart it for that$/);
      await eventually("the tunnels", async () => (await ask("web")).text === "web");
      assert(!client.stderr.all.some((line) => line.includes("clients with this key share")));
    });
  },
);
