import type { SigningKey } from "../identity/key.ts";
import { signClaim } from "../identity/claim.ts";
import type { ClientMark } from "../identity/client_mark.ts";
import { hasPolicy, type VisitorPolicy } from "../identity/visitor_policy.ts";
import { ErrorCode, SessionError } from "../wire/errors.ts";
import type { Feature } from "../wire/features.ts";
import { FrameType } from "../wire/frame.ts";
import type { Heartbeat } from "../mux/heartbeat.ts";
import { REGISTRATION_TIMEOUT } from "../wire/limits.ts";
import {
  decodeChallenge,
  decodeResponse,
  encodeMessage,
  type Registered,
  SUBPROTOCOL,
  SUBSCRIBE_PATH,
} from "../wire/messages.ts";
import { decodeNotice, type Notice } from "../wire/notice.ts";
import { RegistrationError } from "../wire/registration_error.ts";
import { Session, type SessionEvents } from "../mux/session.ts";
import type { NameWish } from "./name_wish.ts";
import type { RequestHead } from "../http/head.ts";
import type { Stream } from "../mux/stream.ts";
import { proveToken } from "../identity/token_proof.ts";
import { dialledTransport } from "../websocket/dialled_transport.ts";
import type { WebSocketTransport } from "../websocket/websocket_transport.ts";
import { type DialOptions, dialWebSocket } from "../websocket/dial.ts";

export interface ServerConnectionOptions extends Pick<DialOptions, "proxy" | "authorities"> {
  /** The origin of the server's URL, which is also the audience of the claim. */
  readonly server: string;
  readonly key: SigningKey;
  readonly label: string;
  readonly wish: NameWish;
  /** What the server checks of visitors. */
  readonly policy: VisitorPolicy;
  /** The server's token; null for none. */
  readonly token: string | null;
  /** The number of this connection among the client's to this server, from 0. */
  readonly connection: number;
  /** What tells this client from others of its tunnel; null when it does not tell. */
  readonly mark: ClientMark | null;
  readonly heartbeat: Heartbeat;
  readonly onStream: (stream: Stream, head: RequestHead) => void;
  /** Hears which visitors the server has refused, and which clients serve the tunnel. */
  readonly onNotice: (notice: Notice) => void;
}

/** Codes of an end that nobody is to blame for: a stop, a restart, a lost network. */
const BLAMELESS: ReadonlySet<number> = new Set([
  ErrorCode.None,
  ErrorCode.GoingAway,
  ErrorCode.Silent,
]);

/** One registered connection to one server, from its handshake to its end. */
export class ServerConnection implements SessionEvents {
  readonly onStream: (stream: Stream, head: RequestHead) => void;
  /** What the server gave; rejects with a RegistrationError or a SessionError. */
  readonly registered: Promise<Registered>;
  /** Resolves with the reason when another connection should take the place of this one: after a GOAWAY, or when it is over. */
  readonly leaving: Promise<string>;
  /** Resolves with the reason when the connection is over, and nothing of it runs any more. */
  readonly closed: Promise<string>;
  readonly #options: ServerConnectionOptions;
  /** What was wished for as this connection was made. */
  readonly #name: string;
  readonly #transport: WebSocketTransport;
  readonly #session: Session;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #registration = Promise.withResolvers<Registered>();
  readonly #leaving = Promise.withResolvers<string>();
  readonly #closing = Promise.withResolvers<string>();
  /** The signing of the claim, which goes on when the connection ends meanwhile. */
  #claiming: Promise<void> = Promise.resolve();
  #isOpen = true;
  #isBroken = false;
  #streams = 0;
  /** What this client and the server both have. */
  #features: readonly Feature[] = [];

  private constructor(transport: WebSocketTransport, options: ServerConnectionOptions) {
    this.#options = options;
    this.#name = options.wish.name;
    this.#transport = transport;
    this.onStream = (stream, head) => {
      this.#streams++;
      options.onStream(stream, head);
    };
    this.registered = this.#registration.promise;
    this.leaving = this.#leaving.promise;
    this.closed = this.#closing.promise;
    // It may be awaited later, or never when the connection is given up before.
    this.registered.catch(() => {});
    this.#session = new Session(transport, this, {
      heartbeat: options.heartbeat,
      headTimeout: 0,
    });
    this.#timer = setTimeout(
      () =>
        this.#session.close(ErrorCode.Timeout, "the server did not register this client in time"),
      REGISTRATION_TIMEOUT,
    );
  }

  /**
   * Opens the WebSocket; the signal gives that up.
   *
   * @throws {SessionError} when the server cannot be reached, or does not speak this protocol.
   */
  static async dial(
    options: ServerConnectionOptions,
    signal: AbortSignal,
  ): Promise<ServerConnection> {
    const { server, proxy = null, authorities = [] } = options;
    const dialled = await dialWebSocket(new URL(SUBSCRIBE_PATH, server), {
      proxy,
      authorities,
      protocol: SUBPROTOCOL,
      timeout: REGISTRATION_TIMEOUT,
      signal,
    });
    return new ServerConnection(dialledTransport(dialled), options);
  }

  /** Whether it may still carry streams, which it does after a GOAWAY as well. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether it ended because one of the two sides broke the protocol or failed, or the server sent this client away. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Streams that the server has opened. */
  get streams(): number {
    return this.#streams;
  }

  /** Streams that are open. */
  get load(): number {
    return this.#session.load;
  }

  /** Lets the streams in flight finish and closes; resolves when its last bytes have left this process. */
  async drain(reason: string): Promise<void> {
    await this.#session.drain(reason);
    this.close(reason);
    await this.#transport.left;
  }

  close(reason: string): void {
    this.#session.close(ErrorCode.GoingAway, reason);
  }

  onRegistration(type: number, payload: Uint8Array): void {
    try {
      if (type === FrameType.RegistrationChallenge) {
        this.#claiming = this.#claim(payload).catch((error) => this.#failed(error));
      } else if (type === FrameType.RegistrationResponse) {
        this.#accepted(decodeResponse(payload));
      } else {
        throw new SessionError(ErrorCode.Protocol, "the server sent a client's registration");
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  onNotice(payload: Uint8Array): void {
    this.#options.onNotice(decodeNotice(payload));
  }

  onGoAway(reason: string): void {
    this.#leaving.resolve(reason === "" ? "the server sends its clients elsewhere" : reason);
  }

  onClose(error: SessionError): void {
    clearTimeout(this.#timer);
    this.#isOpen = false;
    this.#isBroken = !BLAMELESS.has(error.code) || this.#transport.isBroken;
    this.#registration.reject(error);
    this.#leaving.resolve(error.message);
    void this.#claiming.then(() => this.#closing.resolve(error.message));
  }

  onTraffic(): void {}

  async #claim(challenge: Uint8Array): Promise<void> {
    const { nonce, features } = decodeChallenge(challenge);
    const { server, key, token, mark: own, ...options } = this.#options;
    this.#features = features;
    const mark = features.includes("clients") ? own : null;
    const claim = { ...options, name: this.#name, audience: server, nonce, features, mark };
    const jws = await signClaim(claim, key);
    const request = token === null ? { jws } : { jws, proof: await proveToken(token, jws) };
    this.#session.sendRegistration(FrameType.RegistrationRequest, encodeMessage(request));
  }

  /** Runs in the same turn as the answer came, for the first streams may be right behind it. */
  #accepted(registered: Registered): void {
    this.#checkGiven(registered);
    clearTimeout(this.#timer);
    this.#options.wish.given();
    this.#session.establish(this.#features);
    this.#registration.resolve(registered);
  }

  /** @throws {RegistrationError} for an answer that gives another name, or leaves visitors unchecked. */
  #checkGiven({ urls: [url = ""], policy }: Registered): void {
    const { policy: wanted } = this.#options;
    const name = this.#name;
    if (name !== "" && !new URL(url).hostname.startsWith(`${name}.`)) {
      throw new RegistrationError("bad_name", `it gave ${url} and not the name ${name}`);
    }
    if (hasPolicy(wanted) && policy !== true) {
      throw new RegistrationError("bad_policy", "it does not check visitors as it was asked to");
    }
  }

  #failed(error: unknown): void {
    this.#registration.reject(error);
    this.#session.close(ErrorCode.Unregistered, "the registration failed");
  }
}
