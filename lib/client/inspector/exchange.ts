import type { Field } from "../../http/fields.ts";

// The shapes of the inspector's JSON, as .github/INSPECTOR.md describes them. Programs of others read them: members may
// be added, and those that are there stay as they are.

/** A request with an answer, a WebSocket, or a request whose answer is a stream of events (`text/event-stream`). */
export type ExchangeKind = typeof EXCHANGE_KINDS[number];

export const EXCHANGE_KINDS = ["http", "websocket", "events"] as const;

/**
 * How far an exchange is: it goes on, both sides are complete, the visitor has left, or the service or this client
 * could not go on.
 */
export type ExchangeState = typeof EXCHANGE_STATES[number];

export const EXCHANGE_STATES = ["open", "complete", "left", "failed"] as const;

/** What a list says of an exchange; its texts are cut after 2,048 characters. */
export interface ExchangeSummary {
  /** Grows with each exchange, from 1 at each start of the client. */
  readonly id: number;
  readonly kind: ExchangeKind;
  readonly state: ExchangeState;
  /** Why the visitor is gone, or what failed, as a sentence; null while all is well. */
  readonly reason: string | null;
  /** The exchange that was sent again; null for a visitor's own. */
  readonly replayOf: number | null;
  /** The name of its tunnel in the config file; empty for one from the command line. */
  readonly tunnel: string;
  readonly method: string;
  readonly target: string;
  /** The field Host; null where there is none. */
  readonly host: string | null;
  /** The visitor's address as the server tells it; null where it does not. */
  readonly visitor: string | null;
  /** Null until the answer begins. */
  readonly status: number | null;
  /** When the head of the request came: ISO 8601 with milliseconds, UTC. */
  readonly arrived: string;
  /** Milliseconds from then to the end; null while it is open. */
  readonly duration: number | null;
  /** Bytes of the request's body so far; of a WebSocket, of the visitor's messages. */
  readonly requestSize: number;
  /** Bytes of the answer's body so far; of a WebSocket, of the service's messages. */
  readonly responseSize: number;
  /** The media type of the answer as its Content-Type has it; null where there is none. */
  readonly responseType: string | null;
  /** How many messages or events there were so far, without the close; null for an exchange of kind `http`. */
  readonly messages: { readonly fromVisitor: number; readonly fromService: number } | null;
}

/** All that is known of one exchange, but for the bytes of its bodies and its messages. */
export interface Exchange extends ExchangeSummary {
  /** How the visitor came: `https` when the server says so. */
  readonly scheme: "http" | "https";
  readonly times: ExchangeTimes;
  readonly request: {
    readonly fields: readonly Field[];
    readonly body: BodyInfo;
    /** The fields behind the body; not there without any. */
    readonly trailers?: readonly Field[];
  };
  /** Interim responses (1xx), the first first, up to 16 KiB of them; not there without any. */
  readonly interim?: readonly InterimInfo[];
  /** Null until the answer begins. */
  readonly response: ResponseInfo | null;
  /** The signature that the request's fields seem to have; null where none is known. */
  readonly webhook: WebhookScheme | null;
  /** The exchanges that sent this one again and are still kept, the oldest first. */
  readonly replays: readonly number[];
}

/** A head that came before that of the answer. */
export interface InterimInfo {
  readonly status: number;
  readonly fields: readonly Field[];
}

export interface ResponseInfo {
  readonly status: number;
  /** Where it is another one than the status usually has. */
  readonly reasonPhrase?: string;
  readonly fields: readonly Field[];
  readonly body: BodyInfo;
  /** The fields behind the body; not there without any. */
  readonly trailers?: readonly Field[];
}

/** Milliseconds from the arrival; null for what has not come, or never will. */
export interface ExchangeTimes {
  /** The service had taken the whole request. */
  readonly sentOn: number | null;
  /** The head of the answer came. */
  readonly firstByte: number | null;
  readonly end: number | null;
}

/** What is known of a body; its bytes are at `href`. */
export interface BodyInfo {
  /** Bytes that passed so far. */
  readonly size: number;
  /** Bytes that were kept, from the start: 256 KiB at most. */
  readonly kept: number;
  /** Whether the body has come to its end. */
  readonly isComplete: boolean;
  /** Content-Type and Content-Encoding; null where the field is missing. */
  readonly type: string | null;
  readonly encoding: string | null;
  /** The path of what was kept; null for a WebSocket, which has messages. */
  readonly href: string | null;
}

/** The media types of images that a preview is given of, beside `text/html`. */
export const PREVIEWED_IMAGES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
  "image/bmp",
  "image/x-icon",
  "image/vnd.microsoft.icon",
  "image/svg+xml",
]);

interface MessageBase {
  /** Counts from 0 within its exchange; the oldest go first, the numbers stay. */
  readonly index: number;
  /** Milliseconds from the arrival of the exchange. */
  readonly at: number;
  readonly from: "visitor" | "service";
  /** Bytes of the message, or of the event with its lines. */
  readonly size: number;
  /** Whether all of it was kept: up to 16 KiB of each are. */
  readonly isWhole: boolean;
}

/** A message of a WebSocket, the close of one, or an event of a stream of events. */
export type ExchangeMessage =
  | MessageBase & { readonly kind: "text"; readonly text: string }
  | MessageBase & { readonly kind: "binary"; readonly base64: string }
  | MessageBase & { readonly kind: "close"; readonly code: number; readonly text: string }
  | MessageBase & {
    readonly kind: "event";
    /** The event's type, `message` where it names none. */
    readonly event: string;
    /** The last event id that the stream has given, empty before the first. */
    readonly eventId: string;
    /** The data. */
    readonly text: string;
  };

/** The answer to `GET /api/exchanges`. */
export interface ExchangePage {
  /** The newest first. */
  readonly exchanges: readonly ExchangeSummary[];
  /** What to give as `before` for the next page; null when there is none. */
  readonly next: number | null;
}

/** The answer to `GET /api/exchanges/<id>/messages`. */
export interface MessagePage {
  /** The oldest first. */
  readonly messages: readonly ExchangeMessage[];
  /** The index of the oldest message that is still kept. */
  readonly first: number;
  /** How many there were so far, which is the index of the next one that comes. */
  readonly total: number;
}

/** Times that one call may send a request again. */
export const MAX_REPLAY_TIMES = 100;

/** What `POST /api/exchanges/<id>/replay` takes; what is left out stays as it was. */
export interface ReplayRequest {
  readonly method?: string;
  readonly target?: string;
  readonly fields?: readonly Field[];
  /** Null for none. */
  readonly body?: { readonly text: string } | { readonly base64: string } | null;
  /** How often, one after the other. @default 1 */
  readonly times?: number;
  /** Whether to answer only when the last one has ended, or after 30 s. @default false */
  readonly wait?: boolean;
}

/** Its answer. */
export interface ReplayAnswer {
  /** The ids of all replays, also of those that have not begun. */
  readonly ids: readonly number[];
  /** The replays that have begun, in their order. */
  readonly exchanges: readonly ExchangeSummary[];
}

/** The signatures of webhooks that can be checked. */
export const WEBHOOK_SCHEMES = [
  "github",
  "stripe",
  "slack",
  "shopify",
  "standard",
  "hmac",
] as const;

export type WebhookScheme = typeof WEBHOOK_SCHEMES[number];

/** What `POST /api/exchanges/<id>/signature` takes. */
export interface SignatureRequest {
  readonly secret: string;
  /** @default the one that the fields of the request speak of */
  readonly scheme?: WebhookScheme;
  /** For `hmac`: the field with the signature. @default the first field that looks like one */
  readonly field?: string;
}

/** Its answer. */
export interface SignatureCheck {
  readonly scheme: WebhookScheme;
  readonly isRight: boolean;
  /**
   * `right`; `missing` and `malformed` speak of the field; `old` of a signature that is right and too old, or from the
   * future; `body` of a body that was not kept whole; `wrong` of a secret, a body or a field that do not belong together.
   */
  readonly code: "right" | "missing" | "malformed" | "old" | "body" | "wrong";
  /** What is right or wrong and what to do, in sentences. */
  readonly message: string;
  /** The field with the signature, in lower case; null where none was found. */
  readonly field: string | null;
  /** Seconds from the signature to the arrival; null for schemes that have no time. */
  readonly age: number | null;
}

/** How the tunnel is: the answer to `GET /api/tunnel`. */
export interface TunnelState {
  /** Another one at each start of the client: ids of exchanges count from 1 again then. */
  readonly instance: string;
  readonly version: string;
  /** What answers, such as `http://localhost:3000`; of several tunnels all of them. */
  readonly service: string;
  /** The servers of all tunnels. */
  readonly servers: readonly {
    readonly server: string;
    /** The tunnel's name in the config file; empty for one from the command line. */
    readonly tunnel: string;
    /** What answers in this tunnel. */
    readonly service: string;
    readonly state: "connecting" | "online" | "leaving" | "offline";
    /** The public URL; null before the first connection. */
    readonly url: string | null;
    /** Why it is not online, as a sentence; null while it is. */
    readonly reason: string | null;
  }[];
}

/** Every answer with a status of 400 and above. */
export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string };
}
