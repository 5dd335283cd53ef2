import { decodeFrames, frameName, FrameType } from "../../lib/wire/frame.ts";

/** What went one way over the connections of a client. */
export interface FrameCounts {
  /** Bytes on the wire, all headers with them. */
  readonly bytes: number;
  /** WebSocket messages. */
  readonly messages: number;
  /** Frames of the tunnel by the name of their type; pings and pongs, which depend on the clock, are left out. */
  readonly frames: ReadonlyMap<string, number>;
}

/** Counts what passes in one direction of any number of connections. */
export class FrameCounter implements FrameCounts {
  bytes = 0;
  messages = 0;
  readonly frames = new Map<string, number>();

  /** Takes one WebSocket message. @throws {SessionError} when it holds anything but frames. */
  add(message: Uint8Array<ArrayBuffer>): void {
    this.messages++;
    decodeFrames(message, (type) => {
      if (type === FrameType.Ping || type === FrameType.Pong) return;
      const name = frameName(type);
      this.frames.set(name, (this.frames.get(name) ?? 0) + 1);
    });
  }

  /** Returns a copy that does not change. */
  snapshot(): FrameCounts {
    return { bytes: this.bytes, messages: this.messages, frames: new Map(this.frames) };
  }

  /** Returns what was counted since a snapshot. */
  since(before: FrameCounts): FrameCounts {
    const frames = new Map<string, number>();
    for (const [name, count] of this.frames) {
      const grown = count - (before.frames.get(name) ?? 0);
      if (grown > 0) frames.set(name, grown);
    }
    return {
      bytes: this.bytes - before.bytes,
      messages: this.messages - before.messages,
      frames,
    };
  }
}
