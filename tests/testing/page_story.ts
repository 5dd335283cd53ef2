import { Browser, type BrowserPage, type BrowserPageOptions } from "./browser.ts";
import { InspectorCalls } from "./inspector_calls.ts";
import { startTunnel, type Tunnel } from "./tunnel.ts";
import { ShopOrigin } from "./shop_origin.ts";

/** A service behind a tunnel, and a browser that looks at the client's inspector. */
export class PageStory implements AsyncDisposable {
  private constructor(
    readonly origin: ShopOrigin,
    readonly tunnel: Tunnel,
    readonly inspector: InspectorCalls,
    readonly browser: Browser,
    readonly owned: AsyncDisposableStack,
  ) {}

  static async start(): Promise<PageStory> {
    await using started = new AsyncDisposableStack();
    const origin = started.use(new ShopOrigin());
    const tunnel = started.use(await startTunnel({ origin }));
    const inspector = await InspectorCalls.of(tunnel.client);
    const browser = started.use(await Browser.start());
    return new PageStory(origin, tunnel, inspector, browser, started.move());
  }

  /** Opens the inspector's page. */
  async open(fragment = "#/", options: BrowserPageOptions = {}): Promise<BrowserPage> {
    return await this.browser.open(`${this.inspector.url}/${fragment}`, options);
  }

  /** Sends a webhook and returns the number under which it was recorded. */
  async sendWebhook(body: string, fields: readonly (readonly [string, string])[] = []) {
    await this.tunnel.request("/webhook", {
      method: "POST",
      fields: [["Content-Type", "application/json"], ...fields],
      body,
    });
    return (await this.inspector.ended("text=/webhook")).id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
  }
}
