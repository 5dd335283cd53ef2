/** What a Reset or a Disconnect says: a u16 on the wire, so a number once given keeps its meaning. */
export const ErrorCode = {
  /** Nothing went wrong: the sender has what it wanted, or stops. */
  None: 0,
  /** A frame that the protocol does not allow at this point. */
  Protocol: 1,
  /** More body than the window allowed, or a credit that overflows it. */
  FlowControl: 2,
  /** A frame, message or head above its limit. */
  TooLarge: 3,
  /** The sender's own fault. */
  Internal: 4,
  /** The stream was not begun: asking again elsewhere is safe. */
  Refused: 5,
  /** The exchange is no longer wanted, as when the visitor has left. */
  Cancelled: 6,
  /** The origin could not be reached. */
  OriginUnreachable: 7,
  /** The origin answered something that is not HTTP, or not WebSocket. */
  OriginMalformed: 8,
  /** The origin's answer ended before its promised end. */
  OriginCut: 9,
  /** No head, no registration or no more of a body in its time. */
  Timeout: 10,
  /** The sender stops; new work belongs elsewhere. */
  GoingAway: 11,
  /** Nothing was heard from the peer for too long. */
  Silent: 12,
  /** The registration was refused; the RegistrationResponse before says why. */
  Unregistered: 13,
  /** Between nodes: the tunnel is not, or no more, on this one. */
  NotHere: 14,
} as const;

export type ErrorCode = typeof ErrorCode[keyof typeof ErrorCode];

/** Ends the whole session: the peer broke the protocol, fell silent or left. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  constructor(readonly code: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Ends one stream and nothing else. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  constructor(readonly code: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
