import { assert, assertEquals, assertMatch } from "@std/assert";
import { createLogger, createServer, type Logger } from "vite";
import { TunnelServer } from "../../lib/server/mod.ts";
import { tunnel } from "../../lib/vite.ts";
import { Browser, CHROMIUM } from "../testing/browser.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { TempDir } from "../testing/temp_dir.ts";

/** A domain that Vite does not know, other than those of this machine. */
const DOMAIN = "tunnel.test";

if (CHROMIUM === null) console.warn("there is no Chromium: the plugin for Vite is not tried");

Deno.test({
  name: "The plugin for Vite publishes its server, hot reload included, from listening to closing",
  ignore: CHROMIUM === null,
  // Vite holds threads and pipes of its own until the process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await using site = await Site.make();
    await using server = new TunnelServer({ port: 0, hostname: "127.0.0.1", domain: DOMAIN });
    const { port } = new URL(server.url);
    using proxy = new NamesProxy();
    const printed: string[] = [];
    const options = { server: server.url, proxy: `http://127.0.0.1:${proxy.port}` };
    const vite = await createServer({
      root: site.path,
      configFile: false,
      customLogger: collecting(printed),
      server: { host: "127.0.0.1", port: freePort() },
      plugins: [tunnel(options)],
    });
    await using _closed = { [Symbol.asyncDispose]: () => vite.close() };
    await vite.listen();
    vite.printUrls();
    let url = "";
    const urls = () => printed.flatMap((line) => PRINTED.exec(line)?.[1] ?? []);
    const status = async (host: string): Promise<number> => {
      using visitor = await RawHTTP.open(Number(port));
      return (await visitor.exchange(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)).status;
    };

    await t.step("the public URL stands among Vite's own lines", async () => {
      await eventually("the line", () => urls().length > 0);
      [url = ""] = urls();
      assertMatch(url, new RegExp(`^http://[a-z2-7]{52}\\.tunnel\\.test:${port}/$`));
      vite.printUrls();
      assertEquals(urls(), [url, url]);
    });
    await t.step("a page changes without being loaded again when its file does", async () => {
      await using browser = await Browser.start({ domain: DOMAIN });
      await using page = await browser.open(url);
      await page.sees("p", "one");
      await page.evaluate("globalThis.isLoadedOnce = true");
      // It comes after the page's text, and nothing that changes before is told.
      await eventually("the page's connection to Vite", () => vite.ws.clients.size > 0);
      await site.write("text.js", textOf("two"));
      await page.sees("p", "two");
      assert(await page.evaluate("globalThis.isLoadedOnce"));
    });
    await t.step("Vite still refuses hosts that are not the tunnel's", async () => {
      using visitor = await RawHTTP.open(vite.config.server.port);
      const refused = await visitor.exchange("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
      assertEquals(refused.status, 403);
    });
    await t.step("the address stays when Vite starts itself anew", async () => {
      await vite.restart();
      await eventually("the line", () => urls().length > 2);
      assertEquals(new Set(urls()), new Set([url]));
      assertEquals(await status(new URL(url).hostname), 200);
    });
    await t.step("where another program listens for Vite, it says what to do", async () => {
      const told: string[] = [];
      const quiet = await createServer({
        ...{ root: site.path, configFile: false, customLogger: collecting(told) },
        ...{ server: { middlewareMode: true, ws: false }, plugins: [tunnel(options)] },
      });
      await quiet.close();
      assertMatch(told.join("\n"), /no tunnel: another program listens for Vite/);
    });
    await t.step("it is closed with Vite's server", async () => {
      await vite.close();
      const { hostname } = new URL(url);
      await eventually("the end of the tunnel", async () => await status(hostname) !== 200);
    });
    assertEquals(printed.filter((line) => line.startsWith("tunnel: ")), []);
  },
});

/** A line with the tunnel's URL, and no colours. */
const PRINTED = /^ {2}➜ {2}Tunnel: {2}(\S+)$/;

const textOf = (text: string) => `export const text = ${JSON.stringify(text)};\n`;

/** A page whose text comes from a module that can be exchanged. */
class Site implements AsyncDisposable {
  readonly path: string;
  readonly #folder: TempDir;

  private constructor(folder: TempDir) {
    this.#folder = folder;
    this.path = folder.path;
  }

  static async make(): Promise<Site> {
    const site = new Site(await TempDir.make());
    await site.write("text.js", textOf("one"));
    await site.write("index.html", '<p></p><script type="module" src="/main.js"></script>');
    await site.write(
      "main.js",
      `import { text } from "./text.js";
const show = (text) => document.querySelector("p").textContent = text;
show(text);
import.meta.hot.accept("./text.js", (module) => show(module.text));
`,
    );
    return site;
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/${name}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A proxy that takes every name for one of this machine. */
class NamesProxy implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor() {
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) void this.#join(connection);
  }

  async #join(connection: Deno.TcpConn): Promise<void> {
    const head = new Uint8Array(1024);
    const length = await connection.read(head) ?? 0;
    const [, port] = /^CONNECT \S+:(\d+) /.exec(new TextDecoder().decode(head.slice(0, length))) ??
      [];
    const server = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    await Promise.allSettled([
      connection.readable.pipeTo(server.writable),
      server.readable.pipeTo(connection.writable),
    ]);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

function collecting(lines: string[]): Logger {
  const take = (line: string): void => {
    lines.push(line);
  };
  return { ...createLogger("silent"), info: take, warn: take, error: take };
}
