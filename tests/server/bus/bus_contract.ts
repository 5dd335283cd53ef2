import { assertEquals, assertGreater, assertInstanceOf, assertRejects } from "@std/assert";
import { type Bus, BusError } from "../../../lib/server/bus/bus.ts";
import {
  MAX_BUS_MESSAGE,
  MAX_BUS_TEXT,
  MAX_LIFETIME,
  MAX_TICKET_VALUE,
} from "../../../lib/server/bus/bus_limits.ts";
import { claimName } from "../../testing/claim_name.ts";
import { eventually } from "../../testing/eventually.ts";
import { SeededRandom } from "../../testing/seeded_random.ts";
import { within } from "../../testing/within.ts";

/** Milliseconds of a lifetime that a test waits to end. */
const SHORT = 150;

/** Milliseconds of one that no test sees the end of. */
const LONG = 60_000;

/** Two nodes' ways to the same bus. */
export interface BusPair extends AsyncDisposable {
  readonly one: Bus;
  readonly other: Bus;
}

/** Checks what every bus must do; each check gets a bus that holds nothing. */
export async function checkBus(t: Deno.TestContext, open: () => Promise<BusPair>): Promise<void> {
  for (const [name, check] of Object.entries(CHECKS)) {
    await t.step(name, async () => {
      await using pair = await open();
      await check(pair);
    });
  }
}

const CHECKS: Readonly<Record<string, (pair: BusPair) => Promise<void>>> = {
  "it is up, and has no outage to tell of": ({ one }) => {
    assertEquals([one.isUp, one.outage], [true, null]);
    return Promise.resolve();
  },

  "a node is found by the others as it was kept, until it is dropped": async ({ one, other }) => {
    for (const url of ["http://10.0.0.7:6519", "https://[::1]:1", null]) {
      await one.keepNode({ id: "n-1", url }, LONG);
      assertEquals(await other.findNode("n-1"), { id: "n-1", url });
    }
    assertEquals(await other.findNode("n-2"), null);
    await other.dropNode("n-1");
    assertEquals(await one.findNode("n-1"), null);
    await one.dropNode("n-1");
  },

  "a node that says nothing more is not found; one that does is": async ({ one, other }) => {
    await one.keepNode({ id: "dies", url: null }, SHORT);
    await one.keepNode({ id: "lives", url: null }, SHORT);
    await one.keepNode({ id: "lives", url: null }, LONG);
    await eventually("the node to run out", async () => await other.findNode("dies") === null);
    assertEquals(await other.findNode("lives"), { id: "lives", url: null });
  },

  "a hostname is located at the nodes that have it, the last to say so first": async ({
    one,
    other,
  }) => {
    assertEquals(await one.locate("a.example"), []);
    await one.announce("n1", ["a.example", "b.example"], LONG);
    await other.announce("n2", ["a.example"], LONG);
    await one.announce("n3", ["a.example", "*"], LONG);
    assertEquals(await other.locate("a.example"), ["n3", "n2", "n1"]);
    await one.announce("n1", ["a.example"], LONG);
    assertEquals(await other.locate("a.example"), ["n1", "n3", "n2"]);
    assertEquals(await one.locate("b.example"), ["n1"]);
    assertEquals(await one.locate("*"), ["n3"]);
  },

  "a lease runs out by itself, and goes on when it is said again": async ({ one, other }) => {
    await one.announce("n1", ["a.example", "b.example"], SHORT);
    await one.announce("n2", ["a.example"], LONG);
    await one.announce("n1", ["b.example"], LONG);
    await eventually("the lease to run out", async () => {
      return (await other.locate("a.example")).length === 1;
    });
    assertEquals(await other.locate("a.example"), ["n2"]);
    assertEquals(await other.locate("b.example"), ["n1"]);
    await one.announce("n3", ["c.example"], SHORT);
    await eventually("the only lease to run out", async () => {
      return (await other.locate("c.example")).length === 0;
    });
  },

  "a lease that ends first does not shorten another's": async ({ one, other }) => {
    await one.announce("long", ["a.example"], LONG);
    await one.announce("short", ["a.example"], SHORT);
    await eventually("the short one to run out", async () => {
      return (await other.locate("a.example")).length === 1;
    });
    assertEquals(await other.locate("a.example"), ["long"]);
  },

  "a node withdraws its own hostnames alone": async ({ one, other }) => {
    await one.announce("n1", ["a.example", "b.example"], LONG);
    await other.announce("n2", ["a.example"], LONG);
    await one.withdraw("n1", ["a.example", "never.example"]);
    assertEquals(await other.locate("a.example"), ["n2"]);
    assertEquals(await other.locate("b.example"), ["n1"]);
    await other.withdraw("n1", []);
    await one.announce("n1", [], LONG);
    assertEquals(await other.locate("b.example"), ["n1"]);
  },

  "many hostnames are announced and withdrawn at once": async ({ one, other }) => {
    const hostnames = Array.from({ length: 1234 }, (_, i) => `h${i}.example`);
    await one.announce("n1", hostnames, LONG);
    for (const i of [0, 499, 500, 1233]) {
      assertEquals(await other.locate(`h${i}.example`), ["n1"]);
    }
    await one.withdraw("n1", hostnames);
    for (const i of [0, 499, 500, 1233]) assertEquals(await other.locate(`h${i}.example`), []);
  },

  "of the nodes that have one hostname, the last 64 are known": async ({ one, other }) => {
    for (let i = 0; i < 70; i++) await one.announce(`n${i}`, ["a.example"], LONG);
    const last = Array.from({ length: 64 }, (_, i) => `n${69 - i}`);
    assertEquals(await other.locate("a.example"), last);
  },

  "messages arrive in order, byte for byte": async ({ one, other }) => {
    const random = new SeededRandom();
    const sent = [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new Uint8Array(0),
      new TextEncoder().encode("$-1\r\n*3\r\n\0"),
      new Uint8Array(1024 * 1024).map((_, i) => i * 7),
      ...Array.from({ length: 200 }, () => random.bytes(random.integer(0, 3000))),
      random.bytes(MAX_BUS_MESSAGE),
    ];
    const arrived: Uint8Array[] = [];
    await other.receive("n2", (message) => arrived.push(message));
    const answers = await Promise.all(sent.map((message) => {
      const mine = message.slice();
      const sending = one.send("n2", mine);
      // It is the caller's own again.
      mine.fill(0);
      return sending;
    }));
    assertEquals(answers.every((isReceived) => isReceived), true);
    await eventually("all messages", () => arrived.length >= sent.length);
    assertEquals(arrived.map((bytes) => bytes.length), sent.map((bytes) => bytes.length));
    assertEquals(arrived.every(({ constructor }) => constructor === Uint8Array), true);
    for (const [i, message] of sent.entries()) {
      assertEquals(arrived[i]?.every((byte, at) => byte === message[at]), true, `message ${i}`);
    }
  },

  "what arrives is not delivered while it is being sent": async ({ one }) => {
    const arrived = Promise.withResolvers<string>();
    let isSending = true;
    await one.receive("n1", () => arrived.resolve(isSending ? "within" : "after"));
    const sending = one.send("n1", new Uint8Array(1));
    isSending = false;
    assertEquals(await within(arrived.promise, "the message"), "after");
    assertEquals(await sending, true);
  },

  "more than it can hold is refused, not kept, and what follows later passes": async ({
    one,
    other,
  }) => {
    let arrived = 0;
    await other.receive("n2", () => arrived++);
    const message = new Uint8Array(MAX_BUS_MESSAGE);
    const sent = await Promise.allSettled(
      Array.from({ length: 30 }, () => one.send("n2", message)),
    );
    const refused = sent.filter((result) => result.status === "rejected");
    assertGreater(refused.length, 0);
    for (const { reason } of refused) assertInstanceOf(reason, BusError);
    await eventually("the others", () => arrived === sent.length - refused.length);
    assertGreater(arrived, 0);
    assertEquals([one.isUp, await one.send("n2", message)], [true, true]);
  },

  "each node gets its own messages, and the last listener of a node counts": async ({
    one,
    other,
  }) => {
    const got: string[] = [];
    const note = (name: string) => (message: Uint8Array) => got.push(`${name}${message[0]}`);
    await one.receive("n1", note("old"));
    await one.receive("n1", note("one"));
    await other.receive("n2", note("other"));
    for (let i = 0; i < 3; i++) {
      await other.send("n1", Uint8Array.of(i));
      await one.send("n2", Uint8Array.of(i));
    }
    await eventually("all messages", () => got.length >= 6);
    assertEquals(got.toSorted(), ["one0", "one1", "one2", "other0", "other1", "other2"]);
  },

  "a message to a node for which nobody receives is said to be lost": async ({ one, other }) => {
    assertEquals(await one.send("nobody", new Uint8Array(1)), false);
    await other.receive("n2", () => {});
    assertEquals(await one.send("n2", new Uint8Array(1)), true);
    await other.close();
    await eventually("the receiver to be gone", async () => {
      return !await one.send("n2", new Uint8Array(1));
    });
  },

  "a ticket is taken once, by whichever node comes first": async ({ one, other }) => {
    await one.putTicket("secret", '{"a":"ä€😀\\u0000"}', LONG);
    const taken = await Promise.all([other.takeTicket("secret"), one.takeTicket("secret")]);
    assertEquals(taken.filter((value) => value !== null), ['{"a":"ä€😀\\u0000"}']);
    assertEquals(await other.takeTicket("secret"), null);
    for (const never of ["", "never", "a b", "\r\n", "x".repeat(100_000)]) {
      assertEquals(await one.takeTicket(never), null);
    }
    await one.putTicket("empty", "", LONG);
    assertEquals(await other.takeTicket("empty"), "");
  },

  "a ticket runs out": async ({ one, other }) => {
    await one.putTicket("late", "value", 1);
    await one.putTicket("probe", "value", SHORT);
    // A look takes the ticket, so another entry shows that time has passed.
    await one.keepNode({ id: "clock", url: null }, SHORT);
    await eventually("time to pass", async () => await other.findNode("clock") === null);
    assertEquals(await other.takeTicket("late"), null);
    assertEquals(await other.takeTicket("probe"), null);
  },

  "a name stays its first owner's, who may claim it again": async ({ one, other }) => {
    assertEquals(await claimName(one, "shop", "ann", LONG), "ann");
    assertEquals(await claimName(other, "shop", "bob", LONG), "ann");
    assertEquals(await claimName(other, "shop", "ann", LONG), "ann");
    assertEquals(await claimName(other, "other", "bob", LONG), "bob");
    const owners = await Promise.all(
      ["c", "d", "e"].flatMap((owner) =>
        [one, other].map((bus) => claimName(bus, "z", owner, LONG))
      ),
    );
    assertEquals(new Set(owners).size, 1);
  },

  "a name is free again when it was not claimed for long enough": async ({ one, other }) => {
    await claimName(one, "lost", "ann", SHORT);
    await claimName(one, "kept", "ann", SHORT);
    await claimName(one, "kept", "ann", LONG);
    await one.keepNode({ id: "clock", url: null }, SHORT);
    await eventually("time to pass", async () => await other.findNode("clock") === null);
    assertEquals(await claimName(other, "lost", "bob", LONG), "bob");
    assertEquals(await claimName(other, "kept", "bob", LONG), "ann");
  },

  "a text is the same for all nodes, the last that was kept, until it runs out": async ({
    one,
    other,
  }) => {
    assertEquals(await one.findText("t"), null);
    await one.keepText("t", "first", LONG);
    await other.keepText("t", '{"a":"ä€😀\\u0000"}', LONG);
    await one.keepText("late", "value", SHORT);
    assertEquals(await one.findText("t"), '{"a":"ä€😀\\u0000"}');
    await eventually("the text to run out", async () => await other.findText("late") === null);
    await one.keepText("t", "", LONG);
    assertEquals(await other.findText("t"), "");
  },

  "a lock has one holder, who may have it for longer, give it back, or die": async ({
    one,
    other,
  }) => {
    const held = await Promise.all(["a", "b", "c"].map((holder) => one.lock("l", holder, LONG)));
    assertEquals(held.filter((isHeld) => isHeld).length, 1);
    const holder = ["a", "b", "c"][held.indexOf(true)] ?? "";
    assertEquals(await other.lock("l", "d", LONG), false);
    assertEquals(await other.lock("l", holder, LONG), true);
    await other.unlock("l", "d");
    assertEquals(await other.lock("l", "d", LONG), false);
    assertEquals(await other.lock("another", "d", LONG), true);
    await one.unlock("l", holder);
    assertEquals(await other.lock("l", "d", SHORT), true);
    await eventually("the lock to run out", () => one.lock("l", "e", LONG));
    await one.unlock("never", "e");
  },

  "what can never be kept is a RangeError": async ({ one }) => {
    const attempts: (() => Promise<unknown>)[] = [
      () => one.keepNode({ id: "", url: null }, LONG),
      () => one.keepNode({ id: "a\r\nb", url: null }, LONG),
      () => one.keepNode({ id: "x".repeat(65), url: null }, LONG),
      () => one.keepNode({ id: "n1", url: "http://host/path" }, LONG),
      () => one.keepNode({ id: "n1", url: "javascript:x" }, LONG),
      () => one.keepNode({ id: "n1", url: null }, 0),
      () => one.announce("n 1", ["a.example"], LONG),
      () => one.announce("n1", ["a.example", "a\nb"], LONG),
      () => one.announce("n1", ["a.example"], NaN),
      () => one.announce("n1", ["a.example"], MAX_LIFETIME + 1),
      () => one.send("n1", new Uint8Array(MAX_BUS_MESSAGE + 1)),
      () => one.receive("", () => {}),
      () => one.putTicket("", "value", LONG),
      () => one.putTicket("t", "x".repeat(MAX_TICKET_VALUE + 1), LONG),
      () => claimName(one, "a b", "ann", LONG),
      () => claimName(one, "a", "", LONG),
      () => one.keepText("a b", "text", LONG),
      () => one.keepText("t", "x".repeat(MAX_BUS_TEXT + 1), LONG),
      () => one.lock("l", "", LONG),
      () => one.lock("l", "holder", 0),
    ];
    for (const attempt of attempts) await assertRejects(attempt, RangeError);
  },

  "after close every method rejects, the other node's bus goes on": async ({ one, other }) => {
    const changes: boolean[] = [];
    one.onChange((isUp) => changes.push(isUp));
    await one.close();
    assertEquals([one.isUp, typeof one.outage, changes.length], [false, "string", 0]);
    const attempts: (() => Promise<unknown>)[] = [
      () => one.keepNode({ id: "n1", url: null }, LONG),
      () => one.dropNode("n1"),
      () => one.findNode("n1"),
      () => one.announce("n1", ["a.example"], LONG),
      () => one.withdraw("n1", ["a.example"]),
      () => one.locate("a.example"),
      () => one.send("n1", new Uint8Array(1)),
      () => one.receive("n1", () => {}),
      () => one.putTicket("t", "value", LONG),
      () => one.takeTicket("t"),
      () => claimName(one, "a", "ann", LONG),
      () => one.keepText("t", "text", LONG),
      () => one.findText("t"),
      () => one.lock("l", "holder", LONG),
      () => one.unlock("l", "holder"),
    ];
    for (const attempt of attempts) await assertRejects(attempt, BusError);
    await one.close();
    assertEquals(other.isUp, true);
    await other.announce("n2", ["a.example"], LONG);
    assertEquals(await other.locate("a.example"), ["n2"]);
  },
};
