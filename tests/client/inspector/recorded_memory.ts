import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import { RecordingService } from "../../../lib/client/inspector/recording_service.ts";
import { ReplayedIncoming } from "../../../lib/client/inspector/replayed_incoming.ts";
import { ReplayedWebSocket } from "../../../lib/client/inspector/replayed_websocket.ts";
import type { Service } from "../../../lib/client/services/service.ts";
import { FrameFlag, FrameType } from "../../../lib/wire/frame.ts";
import { encodeReset } from "../../../lib/wire/reasons.ts";
import { requestHead } from "../../testing/fake_incoming.ts";

/** What was recorded, in bytes. */
export interface RecordedMemory {
  /** What the store says that its records take. */
  readonly counted: number;
  /** By how much more the process holds, when nothing is left to collect. */
  readonly held: number;
}

const MIB = 1024 * 1024;

/** Bytes that the stores may take. */
const MEMORY = 16 * MIB;

const PIECE = new Uint8Array(64 * 1024);

/** Messages of the WebSocket. */
const MESSAGES = 100_000;

/** Bytes of a body each way, and how many: a gigabyte each way. */
const BODY = 64 * MIB;
const BODIES = 16;

/** Exchanges with bodies of a size that are kept whole: four times what there is room for. */
const SMALL_BODY = 32 * 1024;
const SMALL_BODIES = 4 * MEMORY / SMALL_BODY;

/** Reads all that a visitor sends, and sends a body of so many bytes. */
function answering(length: number): Service {
  return {
    async serve(incoming) {
      const isWebSocket = incoming.type === FrameType.WSRequest;
      incoming.respond({ status: isWebSocket ? 101 : 200, fields: [] }, false);
      for (let read = await incoming.read(); read !== null; read = await incoming.read()) {
        if (read.type === FrameType.WSTeardown) return incoming.teardown(read.bytes);
      }
      for (let sent = 0; sent < length; sent += PIECE.length) {
        await incoming.write(PIECE.subarray(0, length - sent));
      }
      await incoming.end();
    },
    close() {},
  };
}

async function messages(store: ExchangeStore): Promise<void> {
  const encoder = new TextEncoder();
  const steps = Array.from({ length: MESSAGES }, (_, index) => {
    const bytes = encoder.encode(`message ${index}`);
    const chunk = { type: FrameType.WSMessage, flags: FrameFlag.Text, bytes, cost: bytes.length };
    return { chunk, after: 0, patience: 0 };
  });
  const bytes = encodeReset(1000, "").slice();
  const chunk = { type: FrameType.WSTeardown, flags: 0, bytes, cost: bytes.length };
  const incoming = new ReplayedWebSocket([...steps, { chunk, after: 0, patience: 0 }]);
  const service = new RecordingService(answering(0), store);
  await service.replay(incoming, requestHead(), { id: 2, replayOf: 1 });
}

async function bodies(store: ExchangeStore, count: number, length: number): Promise<void> {
  const service = new RecordingService(answering(length), store);
  const body = new Uint8Array(length);
  for (let id = 1; id <= count; id++) {
    await service.replay(new ReplayedIncoming(body), requestHead(), { id, replayOf: 1 });
  }
}

async function measure(record: (store: ExchangeStore) => Promise<void>): Promise<RecordedMemory> {
  // What is compiled and made once belongs to no record.
  await record(new ExchangeStore(MEMORY));
  const store = new ExchangeStore(MEMORY);
  const before = held();
  await record(store);
  return { counted: store.memory, held: held() - before };
}

function held(): number {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") throw new TypeError("start it with --v8-flags=--expose-gc");
  // What the first time makes free, such as array buffers, the second one counts.
  for (let time = 0; time < 2; time++) collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

if (import.meta.main) {
  console.log(JSON.stringify({
    messages: await measure(messages),
    bodies: await measure((store) => bodies(store, BODIES, BODY)),
    full: await measure((store) => bodies(store, SMALL_BODIES, SMALL_BODY)),
  }));
}
