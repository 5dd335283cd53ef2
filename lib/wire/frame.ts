import { ErrorCode, SessionError } from "./errors.ts";
import {
  MAX_DATA_LENGTH,
  MAX_HEAD_LENGTH,
  MAX_INTERIM_LENGTH,
  MAX_NOTICE_LENGTH,
  MAX_REASON_LENGTH,
  MAX_REASON_PHRASE_LENGTH,
  MAX_REGISTRATION_LENGTH,
  MAX_TRAILERS_LENGTH,
} from "./limits.ts";

/** The types of a frame, as PROTOCOL.md lists them. */
export const FrameType = {
  RegistrationChallenge: 0x01,
  RegistrationRequest: 0x02,
  RegistrationResponse: 0x03,
  HTTPRequest: 0x10,
  HTTPResponse: 0x11,
  Data: 0x12,
  ReasonPhrase: 0x13,
  Trailers: 0x14,
  Interim: 0x15,
  WSRequest: 0x20,
  WSResponse: 0x21,
  WSMessage: 0x22,
  WSTeardown: 0x23,
  Window: 0x30,
  Reset: 0x31,
  Ping: 0x40,
  Pong: 0x41,
  Disconnect: 0x42,
  Notice: 0x43,
} as const;

export type FrameType = typeof FrameType[keyof typeof FrameType];

/** The bits of a frame's flags; a receiver ignores any other. */
export const FrameFlag = {
  /** The sender's side of the stream ends with this frame. */
  EndStream: 0x01,
  /** The message is text. */
  Text: 0x02,
  /** More frames of the same message follow. */
  More: 0x04,
} as const;

/** Bytes in front of each payload: type u8, flags u8, stream u32, length u32, all big-endian. */
export const FRAME_HEADER_LENGTH = 10;

interface FrameRule {
  readonly name: string;
  /** Whether the frame belongs to the session, which is stream 0; else it belongs to one of the others. */
  readonly isOfSession: boolean;
  readonly flags: number;
  readonly minLength: number;
  readonly maxLength: number;
}

const RULES: readonly (FrameRule | undefined)[] = buildRules();

/** Takes a frame of a message; the payload is a view of the message, and valid as long as it is held. */
export type FrameHandler = (
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array<ArrayBuffer>,
) => void;

/**
 * Splits a transport message into its frames and checks each against the table of types.
 *
 * Frames of unknown types are passed over and unknown flags are dropped (RFC 9113 sections 4.1 and 5.5): a later
 * version may have more of both.
 *
 * @throws {SessionError} `TooLarge` for a payload above its type's limit, `Protocol` for anything else that is malformed.
 */
export function decodeFrames(message: Uint8Array<ArrayBuffer>, handle: FrameHandler): void {
  if (message.length === 0) throw malformed("a message that is empty, or text");
  let offset = 0;
  while (offset < message.length) {
    const start = offset + FRAME_HEADER_LENGTH;
    if (start > message.length) throw malformed("a frame header is cut short");
    const type = byteAt(message, offset);
    const flags = byteAt(message, offset + 1);
    const stream = uint32At(message, offset + 2);
    const length = uint32At(message, offset + 6);
    const rule = RULES[type];
    if (rule !== undefined) checkHeader(rule, stream, length);
    offset = start + length;
    if (offset > message.length) throw malformed(`${aFrame(type)} is cut short`);
    if (rule === undefined) continue;
    handle(type, flags & rule.flags, stream, message.subarray(start, offset));
  }
}

/** Writes a frame's header at `offset`; the payload follows at `offset + FRAME_HEADER_LENGTH`. */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  type: number,
  flags: number,
  stream: number,
  length: number,
): void {
  target[offset] = type;
  target[offset + 1] = flags;
  writeUint32(target, offset + 2, stream);
  writeUint32(target, offset + 6, length);
}

/** Returns the name of a type for messages and logs. */
export function frameName(type: number): string {
  return RULES[type]?.name ?? `frame of type 0x${type.toString(16)}`;
}

/** Returns the name of a type with its article. */
export function aFrame(type: number): string {
  return withArticle(frameName(type));
}

/** Reads a big-endian u32 that is known to be there. */
export function uint32At(bytes: Uint8Array, offset: number): number {
  return byteAt(bytes, offset) * 0x1000000 +
    ((byteAt(bytes, offset + 1) << 16) | (byteAt(bytes, offset + 2) << 8) |
      byteAt(bytes, offset + 3));
}

/** Writes a big-endian u32. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function checkHeader(rule: FrameRule, stream: number, length: number): void {
  if (rule.isOfSession !== (stream === 0)) {
    throw malformed(`${withArticle(rule.name)} on stream ${stream}`);
  }
  if (length > rule.maxLength) {
    throw new SessionError(
      ErrorCode.TooLarge,
      `${withArticle(rule.name)} of ${length} bytes; at most ${rule.maxLength} are allowed`,
    );
  }
  if (length < rule.minLength) throw malformed(`${withArticle(rule.name)} of ${length} bytes`);
}

/** The names that begin with an H are those of HTTP, which is spelled out when it is spoken. */
function withArticle(name: string): string {
  return name.startsWith("H") ? `an ${name}` : `a ${name}`;
}

function malformed(what: string): SessionError {
  return new SessionError(ErrorCode.Protocol, `malformed frame: ${what}`);
}

function buildRules(): (FrameRule | undefined)[] {
  const rules: (FrameRule | undefined)[] = new Array(256).fill(undefined);
  const { EndStream, Text, More } = FrameFlag;
  const onSession = (type: number, name: string, minLength: number, maxLength: number): void => {
    rules[type] = { name, isOfSession: true, flags: 0, minLength, maxLength };
  };
  const onStream = (
    type: number,
    name: string,
    flags: number,
    minLength: number,
    maxLength: number,
  ): void => {
    rules[type] = { name, isOfSession: false, flags, minLength, maxLength };
  };
  onSession(FrameType.RegistrationChallenge, "RegistrationChallenge", 2, MAX_REGISTRATION_LENGTH);
  onSession(FrameType.RegistrationRequest, "RegistrationRequest", 2, MAX_REGISTRATION_LENGTH);
  onSession(FrameType.RegistrationResponse, "RegistrationResponse", 2, MAX_REGISTRATION_LENGTH);
  onStream(FrameType.HTTPRequest, "HTTPRequest", EndStream, 6, MAX_HEAD_LENGTH);
  onStream(FrameType.HTTPResponse, "HTTPResponse", EndStream, 2, MAX_HEAD_LENGTH);
  onStream(FrameType.Data, "Data", EndStream, 0, MAX_DATA_LENGTH);
  onStream(FrameType.ReasonPhrase, "ReasonPhrase", 0, 1, MAX_REASON_PHRASE_LENGTH);
  onStream(FrameType.Trailers, "Trailers", 0, 5, MAX_TRAILERS_LENGTH);
  onStream(FrameType.Interim, "Interim", 0, 5, MAX_INTERIM_LENGTH);
  onStream(FrameType.WSRequest, "WSRequest", 0, 6, MAX_HEAD_LENGTH);
  onStream(FrameType.WSResponse, "WSResponse", EndStream, 2, MAX_HEAD_LENGTH);
  onStream(FrameType.WSMessage, "WSMessage", Text | More, 0, MAX_DATA_LENGTH);
  onStream(FrameType.WSTeardown, "WSTeardown", 0, 2, 2 + MAX_REASON_LENGTH);
  onStream(FrameType.Window, "Window", 0, 4, 4);
  onStream(FrameType.Reset, "Reset", 0, 2, 2 + MAX_REASON_LENGTH);
  onSession(FrameType.Ping, "Ping", 8, 8);
  onSession(FrameType.Pong, "Pong", 8, 8);
  onSession(FrameType.Disconnect, "Disconnect", 3, 3 + MAX_REASON_LENGTH);
  onSession(FrameType.Notice, "Notice", 2, MAX_NOTICE_LENGTH);
  return rules;
}
