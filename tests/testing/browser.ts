import puppeteer, { type Browser as Chromium, type KeyInput, type Page } from "puppeteer-core";
import { eventually } from "./eventually.ts";
import { TempDir } from "./temp_dir.ts";

export interface BrowserPageOptions {
  /** @default 1280 */
  readonly width?: number;
  /** @default 800 */
  readonly height?: number;
  /** @default "light" */
  readonly colors?: "light" | "dark";
}

/** What Chromium is called, by Debian and by others. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"] as const;

/** Where it is; null where it is not, and tests that need it are skipped. */
export const CHROMIUM = findChromium();

/** A Chromium without a window, with a profile of its own. */
export class Browser implements AsyncDisposable {
  readonly #chromium: Chromium;
  readonly #owned: AsyncDisposableStack;

  private constructor(chromium: Chromium, owned: AsyncDisposableStack) {
    this.#chromium = chromium;
    this.#owned = owned;
  }

  /** Starts one that takes the names below a domain, where one is given, for names of this machine. */
  static async start({ domain }: { readonly domain?: string } = {}): Promise<Browser> {
    if (CHROMIUM === null) throw new Error("no Chromium is installed");
    await using started = new AsyncDisposableStack();
    const profile = started.use(await TempDir.make());
    const chromium = await puppeteer.launch({
      executablePath: CHROMIUM,
      userDataDir: profile.path,
      // A container has neither user namespaces nor much of /dev/shm; what is opened is this project's own.
      args: [
        ...["--no-sandbox", "--disable-dev-shm-usage"],
        ...(domain === undefined ? [] : [`--host-resolver-rules=MAP *.${domain} 127.0.0.1`]),
      ],
    });
    started.defer(() => chromium.close());
    return new Browser(chromium, started.move());
  }

  /** Opens a page of its own and waits until it has been loaded. */
  async open(url: string, options: BrowserPageOptions = {}): Promise<BrowserPage> {
    const page = await this.#chromium.newPage();
    const { width = 1280, height = 800, colors = "light" } = options;
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: colors }]);
    const opened = new BrowserPage(page);
    await page.goto(url);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** A page, driven and read as a person does it: by what stands there. */
export class BrowserPage implements AsyncDisposable {
  /** What scripts of the page threw. */
  readonly errors: string[] = [];
  /** All that it asked for. */
  readonly requested: string[] = [];
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => this.requested.push(request.url()));
  }

  /** Computes an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    return await this.#page.evaluate(expression);
  }

  /** Returns what stands in all elements of a selector. */
  async texts(selector: string): Promise<readonly string[]> {
    const texts = await this.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((e) => e.textContent)`,
    );
    return Array.isArray(texts) ? texts.map(String) : [];
  }

  /** Waits until an element of a selector has a text. */
  async sees(selector: string, text: string): Promise<void> {
    await eventually(
      `${JSON.stringify(text)} in ${selector}`,
      async () => (await this.texts(selector)).some((found) => found.includes(text)),
    );
  }

  /** Waits until an expression is true in the page. */
  async waits(what: string, expression: string): Promise<void> {
    await eventually(what, async () => await this.evaluate(expression) === true);
  }

  /** Waits for an element of a selector that has a text, and clicks it. */
  async click(selector: string, text = ""): Promise<void> {
    await this.sees(selector, text);
    const place = await this.evaluate(`(() => {
      const element = [...document.querySelectorAll(${JSON.stringify(selector)})]
        .find((e) => e.textContent.includes(${JSON.stringify(text)}));
      element.scrollIntoView({ block: "nearest", inline: "nearest" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    })()`);
    const [x, y] = Array.isArray(place) ? place.map(Number) : [];
    if (x === undefined || y === undefined) throw new Error(`${selector} is gone`);
    await this.#page.mouse.click(x, y);
  }

  /** Puts a text in place of what is in a field. */
  async fill(selector: string, text: string): Promise<void> {
    await this.sees(selector, "");
    await this.#page.focus(selector);
    await this.evaluate("document.activeElement.select()");
    await this.#page.keyboard.press("Backspace");
    await this.#page.keyboard.type(text);
  }

  /** Returns what it looks like, as a PNG. */
  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#page.screenshot());
  }

  async press(...keys: readonly KeyInput[]): Promise<void> {
    for (const key of keys) await this.#page.keyboard.press(key);
  }

  async goBack(): Promise<void> {
    await this.#page.goBack();
  }

  /** Returns the part of its URL behind `#`. */
  get fragment(): string {
    return new URL(this.#page.url()).hash;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close();
  }
}

function findChromium(): string | null {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const paths = NAMES.flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  const path = paths.find(isFile);
  if (path === undefined) console.warn("skipped: Chromium is not installed");
  return path ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
