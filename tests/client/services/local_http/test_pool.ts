import { assertEquals, assertRejects } from "@std/assert";
import {
  type OriginRequest,
  originRequest,
  ownHead,
} from "../../../../lib/client/services/local_http/origin_request.ts";
import type { UploadSource } from "../../../../lib/client/services/local_http/request_upload.ts";
import {
  OriginPool,
  type OriginPoolOptions,
} from "../../../../lib/client/services/local_http/origin_pool.ts";
import type { OriginResponse } from "../../../../lib/client/services/local_http/origin_response.ts";
import { TCPDialer } from "../../../../lib/net/dialer.ts";
import type { RequestHead } from "../../../../lib/http/head.ts";
import { OriginError, type OriginErrorCode } from "../../../../lib/http/origin_error.ts";
import { RawOrigin, type RawPeer } from "../../../testing/raw_origin.ts";

/** A pool that a test's scope closes. */
export class TestPool extends OriginPool implements Disposable {
  constructor(port: number, options: Partial<OriginPoolOptions> = {}) {
    super({
      address: `127.0.0.1:${port}`,
      dialer: new TCPDialer("127.0.0.1", port),
      ...options,
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Returns a request head. */
export function request(
  method = "GET",
  target = "/",
  fields: RequestHead["fields"] = [],
): OriginRequest {
  return originRequest(
    ownHead({ method, target, fields: [["host", "a.example"], ...fields] }, null),
  );
}

/** Makes a body of pieces, each given at once, or later when `later` is set. */
export function bodyOf(
  pieces: readonly string[],
  length: number | null = null,
  later = false,
): UploadSource {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  const read = () => left.shift() ?? null;
  return { length, read: later ? () => Promise.resolve().then(read) : read };
}

/** Reads a response to its end, as Latin-1. */
export async function textOf(response: OriginResponse): Promise<string> {
  let text = "";
  for (let piece = await response.read(); piece !== null; piece = await response.read()) {
    for (const byte of piece) text += String.fromCharCode(byte);
  }
  return text;
}

/** Runs an exchange to its end: status, a space, and the body. */
export async function fetchText(
  pool: OriginPool,
  request: OriginRequest,
  body: UploadSource | null = null,
): Promise<string> {
  const response = await pool.exchange(request, body).response;
  return `${response.head.status} ${await textOf(response)}`;
}

/** Answers every connection with these bytes and closes it. */
export function answering(answer: string): RawOrigin {
  return new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send(answer);
    await peer.closeWrite();
    await peer.ended();
  });
}

/** Answers every request of a connection with `ok`. */
export async function answerAll(peer: RawPeer): Promise<void> {
  for (;;) {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  }
}

/** Waits for work to fail with an OriginError of a code, and returns the error. */
export async function assertFails(
  work: Promise<unknown>,
  code: OriginErrorCode,
): Promise<OriginError> {
  const error = await assertRejects(() => work, OriginError);
  assertEquals(error.code, code, error.message);
  return error;
}
