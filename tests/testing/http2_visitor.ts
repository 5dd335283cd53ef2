import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import { readCertificate } from "./certificate.ts";
import { within } from "./within.ts";

/** The head of a response. */
export interface HTTP2Head {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
}

/** An exchange that is under way. */
export interface HTTP2Exchange {
  readonly stream: ClientHttp2Stream;
  readonly head: Promise<HTTP2Head>;
  /** The whole body as UTF-8. */
  readonly text: Promise<string>;
}

/** One HTTP/2 connection over TLS, as a browser has it. */
export class HTTP2Visitor implements AsyncDisposable {
  readonly #session: ClientHttp2Session;
  readonly #closed: Promise<void>;

  constructor(port: number) {
    this.#session = connect(`https://127.0.0.1:${port}`, { ca: readCertificate() });
    this.#session.on("error", () => {});
    this.#closed = new Promise((resolve) => this.#session.on("close", () => resolve()));
  }

  /** Begins a request; the pseudo-fields are among the fields (RFC 9113 section 8.3.1). */
  begin(
    fields: Readonly<Record<string, string | string[]>>,
    { end = true }: { /** Whether no body follows. */ readonly end?: boolean } = {},
  ): HTTP2Exchange {
    const stream = this.#session.request({ ...fields }, { endStream: end });
    const head = new Promise<HTTP2Head>((resolve, reject) => {
      stream.on("response", (fields) => resolve({ status: Number(fields[":status"]), fields }));
      stream.on("error", reject);
      stream.on("close", () => reject(new Error("the stream was closed")));
    });
    const text = new Promise<string>((resolve, reject) => {
      let whole = "";
      stream.setEncoding("utf8");
      stream.on("data", (piece: string) => whole += piece);
      stream.on("end", () => resolve(whole));
      stream.on("error", reject);
    });
    const answer = {
      head: within(head, "the head of a response"),
      text: within(text, "a response"),
    };
    // Who looks at one of them only must not fall over the other.
    answer.head.catch(() => {});
    answer.text.catch(() => {});
    return { stream, ...answer };
  }

  /** Sends a request and reads its response. */
  async request(fields: Readonly<Record<string, string | string[]>>) {
    const { head, text } = this.begin(fields);
    return { ...await head, text: await text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.destroy();
    await within(this.#closed, "the end of an HTTP/2 connection");
  }
}
