// @ts-types="@types/ws"
import { WebSocket } from "ws";
import type { SigningKey } from "../tunnel/claim.ts";
import { signClaim } from "../tunnel/claim.ts";
import { ErrorCode, SessionError } from "../tunnel/errors.ts";
import { FrameType } from "../tunnel/frame.ts";
import type { Heartbeat } from "../tunnel/heartbeat.ts";
import { MAX_TRANSPORT_MESSAGE, REGISTRATION_TIMEOUT } from "../tunnel/limits.ts";
import {
  decodeChallenge,
  decodeResponse,
  encodeMessage,
  type Registered,
} from "../tunnel/registration.ts";
import { Session, type SessionEvents } from "../tunnel/session.ts";
import type { Stream } from "../tunnel/stream.ts";
import { SUBPROTOCOL, SUBSCRIBE_PATH, WebSocketTransport } from "../tunnel/transport.ts";

/** Bytes of a refusal's body that are shown. */
const MAX_REFUSAL = 200;

export interface ServerConnectionOptions {
  /** The origin of the server's URL, which is also the audience of the claim. */
  readonly server: string;
  readonly key: SigningKey;
  readonly label: string;
  /** Which of the client's connections to this server it is, from 0. */
  readonly connection: number;
  readonly heartbeat: Heartbeat;
  readonly onStream: (stream: Stream) => void;
}

/** One registered connection to one server, from its handshake to its end. */
export class ServerConnection implements SessionEvents {
  readonly onStream: (stream: Stream) => void;
  /** What the server gave; rejects with a RegistrationError or a SessionError. */
  readonly registered: Promise<Registered>;
  /** Resolves with the reason when the server wants no more of this connection: it drains, or it is over. */
  readonly leaving: Promise<string>;
  /** Resolves with the reason when the connection is over. */
  readonly closed: Promise<string>;
  readonly #options: ServerConnectionOptions;
  readonly #session: Session;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #registration = Promise.withResolvers<Registered>();
  readonly #leaving = Promise.withResolvers<string>();
  readonly #closing = Promise.withResolvers<string>();

  private constructor(socket: WebSocket, options: ServerConnectionOptions) {
    this.#options = options;
    this.onStream = options.onStream;
    this.registered = this.#registration.promise;
    this.leaving = this.#leaving.promise;
    this.closed = this.#closing.promise;
    // Who awaits it may come later, or never when the connection is given up before.
    this.registered.catch(() => {});
    this.#session = new Session(new WebSocketTransport(socket), this, {
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
   * Opens the WebSocket.
   *
   * @throws {SessionError} when there is no such server, or it is none of this protocol.
   */
  static async dial(options: ServerConnectionOptions): Promise<ServerConnection> {
    const url = options.server.replace(/^http/, "ws") + SUBSCRIBE_PATH;
    const socket = new WebSocket(url, SUBPROTOCOL, {
      perMessageDeflate: false,
      maxPayload: MAX_TRANSPORT_MESSAGE,
      handshakeTimeout: REGISTRATION_TIMEOUT,
    });
    return await new Promise((resolve, reject) => {
      socket.on("open", () => resolve(new ServerConnection(socket, options)));
      socket.on("unexpected-response", (_request, response) => {
        response.on("error", () => {});
        response.once("data", (body: Uint8Array) => {
          reject(refusedHandshake(response.statusCode, new TextDecoder().decode(body)));
          response.destroy();
        });
        response.once("end", () => reject(refusedHandshake(response.statusCode, "")));
      });
      socket.on("error", (cause: Error) => {
        reject(new SessionError(ErrorCode.GoingAway, reasonOf(cause), { cause }));
      });
    });
  }

  /** Finishes the streams in flight and leaves; resolves when that is done. */
  async drain(reason: string): Promise<void> {
    await this.#session.drain(reason);
    this.close(reason);
  }

  close(reason: string): void {
    this.#session.close(ErrorCode.GoingAway, reason);
  }

  onRegistration(type: number, payload: Uint8Array): void {
    try {
      if (type === FrameType.RegistrationChallenge) {
        this.#claim(payload).catch((error) => this.#failed(error));
      } else if (type === FrameType.RegistrationResponse) {
        this.#accepted(decodeResponse(payload));
      } else {
        throw new SessionError(ErrorCode.Protocol, "the server sent a client's registration");
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  onDrain(): void {
    this.#leaving.resolve("the server is being restarted");
  }

  onClose(error: SessionError): void {
    clearTimeout(this.#timer);
    this.#registration.reject(error);
    this.#leaving.resolve(error.message);
    this.#closing.resolve(error.message);
  }

  onTraffic(): void {}

  async #claim(challenge: Uint8Array): Promise<void> {
    const { nonce } = decodeChallenge(challenge);
    const { server, key, label, connection } = this.#options;
    const jws = await signClaim({ audience: server, nonce, label, connection }, key);
    this.#session.sendRegistration(FrameType.RegistrationRequest, encodeMessage({ jws }));
  }

  /** Runs in the turn in which the answer came, for the first streams may be right behind it. */
  #accepted(registered: Registered): void {
    clearTimeout(this.#timer);
    this.#session.establish();
    this.#registration.resolve(registered);
  }

  #failed(error: unknown): void {
    this.#registration.reject(error);
    this.#session.close(ErrorCode.Unregistered, "the registration failed");
  }
}

function refusedHandshake(status: number | undefined, body: string): SessionError {
  const [first = ""] = body.slice(0, MAX_REFUSAL).split("\n").filter((line) => line !== "");
  const detail = first === "" ? "" : ` (${first.trim()})`;
  return new SessionError(ErrorCode.GoingAway, `it answered with status ${status}${detail}`);
}

/** Says why a socket failed; Node's messages often hide in a cause or a list of attempts. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) {
    const [first]: unknown[] = error.errors;
    if (first instanceof Error) return reasonOf(first);
  }
  return error.message === "" ? error.name : error.message;
}
