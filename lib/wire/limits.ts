const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of body in one frame: small enough that no stream holds the socket for long, large enough that headers are noise. */
export const MAX_DATA_LENGTH = 64 * KIB;

/** Bytes of one head frame: `Deno.serve` lets 64 KiB in, and what trusted proxies say of the way is sent on twice. */
export const MAX_HEAD_LENGTH = 256 * KIB;

/** Bytes of a registration frame: a key, a signature and a few names take under two kilobytes. */
export const MAX_REGISTRATION_LENGTH = 8 * KIB;

/** Features that a challenge or a claim lists: with names of 32 characters they take an eighth of the frame. */
export const MAX_FEATURES = 32;

/** Characters of a feature's name: it is a word or two. */
export const MAX_FEATURE_LENGTH = 32;

/** Bytes of a Notice: some dozens of reasons with their counts, a hundred bytes each. */
export const MAX_NOTICE_LENGTH = 4 * KIB;

/** Bytes of a reason in Reset, Disconnect or WSTeardown: RFC 6455 section 5.5 leaves 123 for a close reason. */
export const MAX_REASON_LENGTH = 1 * KIB;

/** Bytes of a response's reason phrase: it is a few words, and a longer one does not travel. */
export const MAX_REASON_PHRASE_LENGTH = 256;

/** Bytes of a Trailers: as long as a trailer section may be that comes from a visitor or an origin. */
export const MAX_TRAILERS_LENGTH = 16 * KIB;

/** Interim responses (1xx) of one exchange: more would tell nothing new, and an origin could send them for ever. */
export const MAX_INTERIM = 32;

/** Bytes of an Interim: the links of early hints take a few kilobytes. */
export const MAX_INTERIM_LENGTH = 16 * KIB;

/** Bytes of one WebSocket message between server and client: a full batch and one more head fit. */
export const MAX_TRANSPORT_MESSAGE = 1 * MIB;

/** Bytes that a batch collects before body data waits for the next turn. */
export const BATCH_LENGTH = 256 * KIB;

/** Unsent bytes in the socket above which body data waits: enough for a fast link, little enough that a Reset is soon sent. */
export const SOCKET_HIGH_WATER = 1 * MIB;

/** Unsent bytes above which a session ends: only control frames get there, when the peer does not read at all. */
export const SOCKET_LIMIT = 16 * MIB;

/** Credit of a request body at its start, in bytes. */
export const INITIAL_WINDOW = 256 * KIB;

/** Credit of an answer when the session already holds half its budget: the stalled must not take what the others need. */
export const SMALL_WINDOW = 32 * KIB;

/** The largest window: 160 MB/s over a round trip of 100 ms. */
export const MAX_WINDOW = 16 * MIB;

/** Bytes that a session may promise to hold for all of its streams together, beside `SMALL_WINDOW` for each. */
export const SESSION_BUDGET = 32 * MIB;

/** Streams open at once in a session. */
export const MAX_STREAMS = 1000;

/** The last stream id; after it the session must be replaced. */
export const MAX_STREAM_ID = 0xffff_ffff;

/** Bytes of credit that a WSMessage frame costs beside its payload: empty messages must not be free, for each takes memory. */
export const MESSAGE_COST = 64;

/** Bytes of one visitor's or origin's WebSocket message, which is Deno's own limit. */
export const MAX_WEBSOCKET_MESSAGE = 64 * MIB;

/** Milliseconds without a frame from the peer after which it is pinged. */
export const PING_AFTER = 10_000;

/** Milliseconds without a frame from the peer after which it counts as dead. */
export const DEAD_AFTER = 20_000;

/** Milliseconds that an unregistered connection may take to register. */
export const REGISTRATION_TIMEOUT = 10_000;
