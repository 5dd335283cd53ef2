// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { type ClaimToSign, signClaim } from "../../lib/identity/claim.ts";
import type { SigningKey } from "../../lib/identity/key.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { SUBPROTOCOL } from "../../lib/wire/messages.ts";
import { newSigningKey } from "./ed25519.ts";
import { FramePeer, type SeenFrame } from "./frame_peer.ts";
import type { Program } from "./program.ts";
import { within } from "./within.ts";

/** The members of a JSON object that somebody else wrote. */
export type Members = Readonly<Record<string, unknown>>;

/** How a session was ended, as the Disconnect before the close tells. */
export interface DisconnectReason {
  readonly code: number;
  readonly reason: string;
}

/** A peer that connects to a server as a client does, and then says what the test wants. */
export class Subscriber implements Disposable {
  readonly frames: FramePeer;
  readonly #socket: WebSocket;
  readonly #server: Program;

  private constructor(server: Program, socket: WebSocket) {
    this.#server = server;
    this.#socket = socket;
    this.frames = new FramePeer(socket);
  }

  /** Opens the WebSocket, and no more; `headers` go with the handshake. */
  static async connect(
    server: Program,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Subscriber> {
    const url = `ws://127.0.0.1:${server.url.port}/proxy/subscribe`;
    const socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, headers });
    socket.binaryType = "arraybuffer";
    const subscriber = new Subscriber(server, socket);
    const opened = new Promise((resolve, reject) => {
      socket.on("open", resolve);
      socket.on("error", reject);
    });
    await within(opened, "a connection to the server");
    return subscriber;
  }

  /** Takes part with a key of its own, made on the spot; everything but what is given is as it should be up to here. */
  static async register(
    server: Program,
    given: Partial<ClaimToSign> = {},
  ): Promise<Subscriber & { readonly host: string }> {
    const subscriber = await Subscriber.connect(server);
    const claim = await subscriber.claim(await newSigningKey(), given);
    const { urls } = await subscriber.answer(claim);
    if (!Array.isArray(urls)) throw new Error("the server did not register its client");
    return Object.assign(subscriber, { host: new URL(String(urls[0])).host });
  }

  /** The URL by which this peer knows the server. */
  get audience(): string {
    return `http://127.0.0.1:${this.#server.url.port}`;
  }

  /** Takes the challenge and returns its nonce. */
  async nonce(): Promise<string> {
    return String(membersOf(await this.frames.next(FrameType.RegistrationChallenge)).nonce);
  }

  /** Takes the challenge and answers it correctly, except for what is given. */
  async claim(
    key: SigningKey,
    given: Partial<ClaimToSign> = {},
  ): Promise<string> {
    const nonce = await this.nonce();
    return await signClaim({ audience: this.audience, nonce, ...given }, key);
  }

  /** Sends a registration and returns the response to it; `proof` is that of the token. */
  async answer(jws: string, proof?: unknown): Promise<Members> {
    // JSON leaves out what is undefined.
    this.frames.send(FrameType.RegistrationRequest, { payload: JSON.stringify({ jws, proof }) });
    return membersOf(await this.frames.next(FrameType.RegistrationResponse));
  }

  /** Sends a text message, which no client may. */
  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** Waits for the end and returns what the server said of it; what came before is passed over. */
  async disconnected(): Promise<DisconnectReason> {
    await this.frames.closed;
    const last = this.frames.take().findLast(({ type }) => type === FrameType.Disconnect);
    if (last === undefined) throw new Error("the server closed without a Disconnect");
    const [high = 0, low = 0] = last.payload;
    return { code: high * 256 + low, reason: new TextDecoder().decode(last.payload.subarray(3)) };
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

/** Reads a frame's payload as a JSON object. */
export function membersOf({ payload }: SeenFrame): Members {
  const value: unknown = JSON.parse(new TextDecoder().decode(payload));
  if (typeof value !== "object" || value === null) throw new Error("not a JSON object");
  return { ...value };
}
