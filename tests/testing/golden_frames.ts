import { decodeHex } from "@std/encoding/hex";
import golden from "../testdata/frames.json" with { type: "json" };

/** A frame whose bytes are written down in tests/testdata, once for this code and any other. */
export interface GoldenFrame {
  readonly name: string;
  /** The name of its type. */
  readonly type: string;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Every golden frame, in the order of the types. */
export const GOLDEN_FRAMES: readonly GoldenFrame[] = golden.map((
  { name, type, flags, stream, payload, bytes },
) => ({
  name,
  type,
  flags,
  stream,
  payload: decodeHex(payload),
  bytes: decodeHex(bytes),
}));

/** Returns the golden frame of that name. */
export function goldenFrame(name: string): GoldenFrame {
  const frame = GOLDEN_FRAMES.find((each) => each.name === name);
  if (frame === undefined) throw new Error(`no golden frame is called ${name}`);
  return frame;
}
