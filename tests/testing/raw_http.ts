import { BodyReader, responseFraming } from "./body_reader.ts";
import { ByteReader, FramingError } from "./byte_reader.ts";
import { toBytes, toText } from "./latin1.ts";
import { MessageHead } from "./message_head.ts";
import { within } from "./within.ts";

/** The final head of a response, and what goes before and behind it. */
export interface RawResponse {
  readonly status: number;
  readonly head: MessageHead;
  /** Informational heads (1xx) that came before. */
  readonly interim: readonly MessageHead[];
  readonly body: BodyReader;
}

/** A response that has come to its end. */
export interface WholeResponse extends Omit<RawResponse, "body"> {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body as UTF-8. */
  readonly text: string;
}

/** Speaks HTTP/1.1 byte by byte as a visitor: what is sent is what the test wrote, what is read is what came. */
export class RawHTTP implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #reader: ByteReader;
  #isClosed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.#reader = new ByteReader({
      read: (buffer) => within(connection.read(buffer), "bytes for the visitor"),
    });
  }

  /** Connects over plain TCP on this machine: the names of tunnels may not resolve. */
  static async open(port: number): Promise<RawHTTP> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    // Else a small write waits up to 40 ms for the acknowledgement of the one before.
    connection.setNoDelay(true);
    return new RawHTTP(connection);
  }

  /** Connects over TLS to this machine and trusts these certificates alone, in PEM. */
  static async openTLS(port: number, certificates: string): Promise<RawHTTP> {
    return new RawHTTP(
      await Deno.connectTls({
        hostname: "127.0.0.1",
        port,
        caCerts: [certificates],
        alpnProtocols: ["http/1.1"],
      }),
    );
  }

  /** Writes these bytes, text as Latin-1; resolves once the system has taken them all. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = toBytes(data);
    for (let sent = 0; sent < bytes.length;) {
      const writing = this.#connection.write(bytes.subarray(sent));
      sent += await within(writing, "room for the visitor's bytes");
    }
  }

  /** Reads heads up to a final one; the body waits to be read from what is returned. */
  async receive(method = "GET"): Promise<RawResponse> {
    const interim: MessageHead[] = [];
    for (;;) {
      const head = await this.receiveHead();
      const status = Number(head.startLine.split(" ")[1]);
      if (status >= 200 || status === 101) {
        const body = new BodyReader(this.#reader, responseFraming(head, status, method));
        return { status, head, interim, body };
      }
      interim.push(head);
    }
  }

  /** Reads the next head, informational ones too. */
  async receiveHead(): Promise<MessageHead> {
    const text = await this.#reader.readHead();
    if (text === null) throw new FramingError("truncated", "the server closed without a response");
    return new MessageHead(text);
  }

  /** Reads a response with its body. */
  async receiveAll(method = "GET"): Promise<WholeResponse> {
    const response = await this.receive(method);
    const body = await response.body.readAll();
    return { ...response, body, text: new TextDecoder().decode(body) };
  }

  /** Sends a request and reads its response at the same time, so that neither can hold the other up. */
  async exchange(data: string | Uint8Array, method = "GET"): Promise<WholeResponse> {
    const [response] = await Promise.all([this.receiveAll(method), this.send(data)]);
    return response;
  }

  /** Reads what comes next, as Latin-1; null at the end of the connection. */
  async readNext(): Promise<string | null> {
    const bytes = await this.#reader.read();
    return bytes === null ? null : toText(bytes);
  }

  /** Reads to the end of the connection and returns every byte as Latin-1; a reset is an end too. */
  async readToEnd(): Promise<string> {
    let text = "";
    try {
      for (
        let bytes = await this.#reader.read();
        bytes !== null;
        bytes = await this.#reader.read()
      ) {
        text += toText(bytes);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
    return text;
  }

  /** Says that nothing more will be sent, and goes on reading. */
  async closeWrite(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Leaves at once, whatever is under way. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
