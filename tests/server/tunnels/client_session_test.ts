import { assertEquals } from "@std/assert";
import { signClaim } from "../../../lib/identity/claim.ts";
import type { SigningKey } from "../../../lib/identity/key.ts";
import { WebSocketTransport } from "../../../lib/websocket/websocket_transport.ts";
import type { NameAnswer, NameClaim } from "../../../lib/server/bus/bus.ts";
import { MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { ClientSession } from "../../../lib/server/tunnels/client_session.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { newSigningKey } from "../../testing/ed25519.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { FramePeer } from "../../testing/frame_peer.ts";
import { MemorySocket } from "../../testing/memory_socket.ts";
import { type Members, membersOf } from "../../testing/subscriber.ts";
import { settled } from "../../testing/turn.ts";
import { roomyRegistry } from "../../testing/roomy_registry.ts";
import { AUDIENCE, sessionContext } from "./session_context.ts";

const DAY = 24 * 3_600_000;

Deno.test("ClientSession refuses a second registration before it has answered the first, and registers neither", async () => {
  const place = new Place();
  const client = place.connect();
  const jws = await client.claim(await newSigningKey(), "shop");
  client.register(jws);
  await place.bus.asked;
  client.register(jws);
  assertEquals(codeOf(await client.answer()), "malformed");
  await client.frames.closed;
  place.bus.answer();
  await settled();
  assertEquals(client.frames.takeNames(), ["Disconnect"]);
  assertEquals([place.registered, place.ended, place.registry.size], [0, 1, 0]);
});

Deno.test("ClientSession registers no client that leaves while its claim is looked at", async (t) => {
  for (const isCut of [false, true]) {
    await t.step(isCut ? "by a cut" : "in order", async () => {
      const place = new Place();
      const client = place.connect();
      client.register(await client.claim(await newSigningKey(), "shop"));
      await place.bus.asked;
      if (isCut) client.socket.cut();
      else client.socket.close(1000);
      await settled();
      assertEquals(place.ended, 1);
      place.bus.answer();
      await settled();
      assertEquals([place.registered, place.registry.size], [0, 0]);
    });
  }
});

Deno.test("ClientSession lets the name go with its client: another key may have it a day after that", async () => {
  using clock = new FakeClock();
  const place = new Place();
  place.bus.answer();
  const [first, second] = [await newSigningKey(), await newSigningKey()];
  const wish = async (key: SigningKey): Promise<unknown> => {
    const client = place.connect();
    client.register(await client.claim(key, "shop"));
    const refusal = codeOf(await client.answer());
    clock.advance(5_000);
    client.socket.close(1000);
    await settled();
    return refusal;
  };
  assertEquals(await wish(first), undefined);
  assertEquals([place.registry.size, clock.pending], [0, 0], "no timer is left");
  clock.advance(DAY - 1);
  assertEquals(await wish(second), "name_taken");
  assertEquals(await wish(second), undefined);
});

/** A server's side, as far as clients register there. */
class Place {
  readonly bus = new SlowBus();
  readonly registry = roomyRegistry();
  /** Sessions that were registered, and that ended. */
  registered = 0;
  ended = 0;
  readonly #context = sessionContext(this.registry, this.bus);

  connect(): Client {
    const [near, far] = MemorySocket.pair();
    const connection = { address: "192.0.2.1", host: "tunnel.test", isRetired: false };
    new ClientSession(new WebSocketTransport(near), connection, {
      ...this.#context,
      onAsked: () => {},
      onRegistered: () => void this.registered++,
      onClose: () => void this.ended++,
    });
    return new Client(far);
  }
}

/** A client that speaks frames. */
class Client {
  readonly frames: FramePeer;

  constructor(readonly socket: MemorySocket) {
    this.frames = new FramePeer(socket);
  }

  /** Takes the challenge and signs a claim that answers it. */
  async claim(key: SigningKey, name: string): Promise<string> {
    const { nonce } = membersOf(await this.frames.next(FrameType.RegistrationChallenge));
    return await signClaim({ audience: AUDIENCE, nonce: String(nonce), name }, key);
  }

  register(jws: string): void {
    this.frames.send(FrameType.RegistrationRequest, { payload: JSON.stringify({ jws }) });
  }

  /** Takes the next frame, which must be the answer to a registration. */
  async answer(): Promise<Members> {
    return membersOf(await this.frames.next(FrameType.RegistrationResponse));
  }
}

/** Returns the code of a refusal. */
function codeOf({ error }: Members): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

/** A bus that answers claims of names once the test lets it. */
class SlowBus extends MemoryBus {
  readonly #asked = Promise.withResolvers<void>();
  readonly #answers = Promise.withResolvers<void>();

  /** Resolves with the first claim. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  answer(): void {
    this.#answers.resolve();
  }

  override async claimName(claim: NameClaim): Promise<NameAnswer> {
    this.#asked.resolve();
    await this.#answers.promise;
    return await super.claimName(claim);
  }
}
