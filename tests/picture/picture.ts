import { printLine, runProgram } from "../../lib/cli/program.ts";
import { Browser } from "../testing/browser.ts";
import { InspectorCalls } from "../testing/inspector_calls.ts";
import { startServer } from "../testing/tunnel.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { runToEnd } from "../testing/ended_program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";
import { PictureShop } from "./picture_shop.ts";
import { terminalHTML } from "./terminal_html.ts";

const PICTURE = new URL("../../.github/picture.png", import.meta.url);

/** The terminal, in characters. */
const COLUMNS = 80;
const ROWS = 24;

/** The inspector and the whole picture, in CSS pixels. */
const INSPECTOR = { width: 1000, height: 620 } as const;
const WHOLE = { width: 1716, height: 668 } as const;

/** Makes the picture of the README anew, from the real programs: the terminal by tmux, the inspector by Chromium. */
async function main(): Promise<number> {
  await using owned = new AsyncDisposableStack();
  const folder = owned.use(await TempDir.make());
  const shop = owned.use(new PictureShop());
  const server = owned.use(await startServer());
  const port = freePort();
  const inspector = new InspectorCalls(`http://127.0.0.1:${port}`);
  const client = ["client.ts", "--key", `${folder.path}/key.pem`];
  await runToEnd("client.ts", [...client.slice(1), "--show-key"]);
  const terminal = owned.use(
    await Terminal.start(folder.path, [
      ...[...client, `${shop.port}`, "--server", server.url.origin, "--name", "shop"],
      ...["--inspect", `127.0.0.1:${port}`],
    ]),
  );
  const host = `shop.localhost:${server.url.port}`;
  await eventually("the tunnel", async () => (await terminal.screen()).includes(`http://${host}`));
  await visit(Number(server.url.port), host);
  const browser = owned.use(await Browser.start());
  const { id } = await inspector.ended("text=/webhooks");
  await using page = await browser.open(`${inspector.url}/#/${id}/request`, {
    ...INSPECTOR,
    colors: "dark",
  });
  await page.sees(".detail", "invoice.paid");
  await page.sees(".row", "/live");
  const shot = await page.screenshot();
  const html = wholeHTML(terminalHTML(await terminal.screen()), shot.toBase64());
  await Deno.writeTextFile(`${folder.path}/whole.html`, html);
  await using whole = await browser.open(`file://${folder.path}/whole.html`, WHOLE);
  await Deno.writeFile(PICTURE, await whole.screenshot());
  printLine(`wrote ${PICTURE.pathname}`);
  return 0;
}

/** Asks the shop for what a minute brings. */
async function visit(port: number, host: string): Promise<void> {
  const ask = async (start: string, fields = "", body = "") => {
    using visitor = await RawHTTP.open(port);
    await visitor.exchange(`${start} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n${body}`);
  };
  await ask("GET /");
  await ask("GET /assets/app.9f2c41d7b03e58aa6c17d2904e1.js");
  await Promise.all(Array.from({ length: 14 }, () => ask("GET /stock")));
  const body = JSON.stringify({
    type: "invoice.paid",
    data: { id: "in_1Q", amount: 1200, currency: "eur", lines: [{ item: "bread", count: 2 }] },
  });
  const fields = [
    "User-Agent: Stripe/1.0",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `Stripe-Signature: t=${Math.floor(Date.now() / 1000)},v1=${"5f3a".repeat(16)}`,
  ];
  // What comes in one second is summed up.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const peer = await within(
    openWebSocket(`ws://127.0.0.1:${port}/live`, { headers: { host } }),
    "the WebSocket",
  );
  for (const text of ["hello", "stock?", "2 loaves"]) peer.socket.send(text);
  await ask("POST /webhooks/stripe", fields.map((field) => `${field}\r\n`).join(""), body);
  await ask("DELETE /cart/3");
  await ask("GET /favicon.ico");
  await ask("GET /events");
}

/** A client in a terminal of its own. */
class Terminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async start(folder: string, args: readonly string[]): Promise<Terminal> {
    const terminal = new Terminal(`${folder}/tmux`);
    const size = ["-x", `${COLUMNS}`, "-y", `${ROWS}`];
    const call = [Deno.execPath(), "run", "--allow-all", ...args].join(" ");
    await terminal.#tmux(["new-session", "-d", ...size, `clear; ${call}`]);
    return terminal;
  }

  /** Returns what stands there, with its colours. */
  async screen(): Promise<string> {
    return await this.#tmux(["capture-pane", "-e", "-p"]);
  }

  async #tmux(args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", this.#socket, ...args],
      env: { TERM: "xterm-256color" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux(["kill-server"]);
  }
}

function wholeHTML(screen: string, inspector: string): string {
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; background: #0b0d10; display: flex; gap: 16px; padding: 24px; box-sizing: border-box; height: 100vh }
    pre { margin: 0; flex: none; width: 80ch; padding: 16px; color: #e6edf3; background: #14171a; border: 1px solid #2c3238;
      border-radius: 8px; font: 12.5px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; overflow: hidden }
    img { width: 1000px; height: 620px; box-sizing: border-box; border: 1px solid #2c3238; border-radius: 8px }
    </style><pre>${screen}</pre><img alt="" src="data:image/png;base64,${inspector}">`;
}

await runProgram(main);
