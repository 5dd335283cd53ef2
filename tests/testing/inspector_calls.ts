import { assertEquals } from "@std/assert";
import type {
  ErrorAnswer,
  Exchange,
  ExchangePage,
  ExchangeSummary,
  MessagePage,
  ReplayAnswer,
  ReplayRequest,
} from "../../lib/client/inspector/exchange.ts";
import { eventually } from "./eventually.ts";
import type { Program } from "./program.ts";
import { within } from "./within.ts";

/** Calls an inspector as programs do. */
export class InspectorCalls {
  constructor(readonly url: string) {}

  /** Finds the inspector of a client in what the client prints. */
  static async of(client: Program): Promise<InspectorCalls> {
    const line = await within(client.stderr.find(/inspector at (http:\S+)/), "the inspector");
    return new InspectorCalls(line?.[1] ?? "");
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return within(fetch(this.url + path, { redirect: "manual", ...init }), `an answer to ${path}`);
  }

  /** Sends JSON. */
  send(path: string, value: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = { "content-type": "application/json", ...init.headers };
    return this.fetch(path, { method: "POST", ...init, body: JSON.stringify(value), headers });
  }

  /** Reads the JSON of an answer with that status. */
  async json<T>(answering: Promise<Response>, status = 200): Promise<T> {
    const answer = await answering;
    const text = await answer.text();
    assertEquals(answer.status, status, text);
    return JSON.parse(text);
  }

  async list(query = ""): Promise<readonly ExchangeSummary[]> {
    const page = await this.json<ExchangePage>(this.fetch(`/api/exchanges?${query}`));
    return page.exchanges;
  }

  exchange(id: number): Promise<Exchange> {
    return this.json(this.fetch(`/api/exchanges/${id}`));
  }

  messages(id: number, query = ""): Promise<MessagePage> {
    return this.json(this.fetch(`/api/exchanges/${id}/messages?${query}`));
  }

  replay(id: number, request: ReplayRequest = {}): Promise<ReplayAnswer> {
    return this.json(this.send(`/api/exchanges/${id}/replay`, request), 201);
  }

  async body(id: number, side: "request" | "response", query = ""): Promise<Uint8Array> {
    const answer = await this.fetch(`/api/exchanges/${id}/${side}/body?${query}`);
    assertEquals(answer.status, 200);
    return new Uint8Array(await answer.arrayBuffer());
  }

  /** Reads the code of an answer that is an error. */
  async refusal(answering: Promise<Response>): Promise<readonly [status: number, code: string]> {
    const answer = await answering;
    const { error }: ErrorAnswer = await answer.json();
    return [answer.status, error.code];
  }

  /** Waits until the newest exchange that a query finds is over. */
  async ended(query = ""): Promise<ExchangeSummary> {
    let newest: ExchangeSummary | undefined;
    await eventually(`the end of an exchange (${query})`, async () => {
      [newest] = await this.list(query);
      return newest !== undefined && newest.state !== "open";
    });
    if (newest === undefined) throw new Error("no exchange");
    return newest;
  }
}
