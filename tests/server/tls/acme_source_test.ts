import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { StateFolder } from "../../../lib/server/state_folder.ts";
import {
  ACMESource,
  type ACMESourceOptions,
  waitAfter,
} from "../../../lib/server/tls/acme_source.ts";
import { ACMEState } from "../../../lib/server/tls/acme_state.ts";
import { CertificateKey } from "../../../lib/server/tls/certificate_key.ts";
import { certificateLife } from "../../../lib/server/tls/certificate_life.ts";
import { selfSigned } from "../../../lib/server/tls/certificate_request.ts";
import { type Certificate, CertificateError } from "../../../lib/server/tls/certificate_source.ts";
import { HTTPAnswers } from "../../../lib/server/tls/http_answers.ts";
import { eventually } from "../../testing/eventually.ts";
import { freePort } from "../../testing/free_port.ts";
import { TempDir } from "../../testing/temp_dir.ts";

const NAMES = ["tunnel.example.com", "*.tunnel.example.com"];
const DAY = 24 * 3_600_000;

Deno.test("waitAfter doubles a minute up to an hour, which stays inside five failures and one more each twelve minutes", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => waitAfter(failures) / 60_000);
  assertEquals(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  // A bucket of five tokens that gains one each twelve minutes never lacks the one that an attempt takes.
  let tokens = 5;
  for (let failures = 1; failures < 200; failures++) {
    tokens -= 1;
    assert(tokens >= 0, `attempt ${failures}`);
    tokens = Math.min(5, tokens + waitAfter(failures) / (12 * 60_000));
  }
});

Deno.test("ACMESource.load gives the certificate that is kept, and one of its own without", async () => {
  await using fixture = await Fixture.make();
  const makeshift = await fixture.source().load();
  assertEquals(certificateLife(makeshift)?.names, NAMES);
  assertMatch(fixture.lines.join("\n"), /there is no certificate yet/);
  const kept = await fixture.keep({ from: -60 * DAY, to: 30 * DAY });
  assertEquals(await fixture.source().load(), kept);
  await fixture.keep({ from: -90 * DAY, to: -1 });
  assert((await fixture.source().load()).cert !== kept.cert, "it is over");
  await fixture.keep({ from: -1 * DAY, to: 30 * DAY, names: ["tunnel.example.com"] });
  assertEquals(certificateLife(await fixture.source().load())?.names, NAMES);
});

Deno.test("ACMESource.load says which file of its folder is none of its own", async () => {
  await using fixture = await Fixture.make();
  const { cert } = await fixture.keep({ from: -DAY, to: 30 * DAY });
  const { pem } = await CertificateKey.make();
  for (const text of ["something else", `authority: https://ca.example/dir\n${pem}${cert}`]) {
    await fixture.folder.write("certificate.pem", text);
    const { message } = await assertRejects(() => fixture.source().load(), CertificateError);
    assertMatch(message, /certificate\.pem does not hold a certificate with its key: remove it/);
  }
});

Deno.test("ACMEState refuses files that are damaged, at every length, and begins anew where they count attempts", async () => {
  await using fixture = await Fixture.make();
  const { state, folder } = fixture;
  await fixture.keep({ from: -1 * DAY, to: 30 * DAY });
  const { key } = await state.account();
  await state.keepAttempts({ failures: 3, next: 4 });
  const account = [...Deno.readDirSync(folder.path)].find(({ name }) => name.startsWith("account-"))
    ?.name ?? "";
  const cut = async (name: string, look: () => Promise<unknown>, right: string) => {
    const whole = await folder.read(name) ?? "";
    for (let length = 0; length < whole.trimEnd().length; length += 7) {
      await folder.write(name, whole.slice(0, length));
      assertEquals(await look().then(() => "read", ({ name }) => name), right, `${name} ${length}`);
    }
    await folder.write(name, whole);
  };
  await cut("certificate.pem", () => state.certificate(), "StateError");
  await cut(account, () => state.account(), "StateError");
  await cut("attempts.json", () => state.attempts(), "read");
  assertEquals((await state.account()).key.secret, key.secret);
  for (const junk of ["null", "[]", '{"failures":"3","next":1e999}', "\0", '{"failures":1.5}']) {
    await folder.write("attempts.json", junk);
    assertEquals(await state.attempts(), { failures: 0, next: 0 }, junk);
  }
});

Deno.test("An attempt that fails is told with its reason, and counted so that a restart waits as well", async () => {
  await using fixture = await Fixture.make();
  const source = fixture.source();
  await source.load();
  const before = Date.now();
  using stopping = new Stopping();
  source.watch(() => Promise.reject(new Error("nothing comes")), stopping.signal);
  await eventually("the failure", async () => (await fixture.state.attempts()).failures === 1);
  assertMatch(
    fixture.lines.join("\n"),
    /no certificate: the authority localhost:\d+ cannot be asked: nothing listens there {2}again=/,
  );
  const { next } = await fixture.state.attempts();
  assert(next >= before + 60_000);
  await fixture.state.account();
  const restarted = fixture.source();
  await restarted.load();
  fixture.lines.length = 0;
  restarted.watch(() => Promise.reject(new Error("nothing comes")), stopping.signal);
  // SIGHUP tries at once; without another listener it would end the tests.
  if (Deno.build.os === "windows") return;
  Deno.kill(Deno.pid, "SIGHUP");
  await eventually("both attempts", () => fixture.lines.length === 2);
});

Deno.test("ACMESource leaves a certificate alone until two thirds of its life are over", async () => {
  await using fixture = await Fixture.make();
  using stopping = new Stopping();
  const attempts: string[] = [];
  for (
    const [name, from, to] of [["young", -59 * DAY, 31 * DAY], [
      "old",
      -61 * DAY,
      29 * DAY,
    ]] as const
  ) {
    await fixture.keep({ from, to });
    await fixture.state.keepAttempts({ failures: 0, next: 0 });
    const source = fixture.source();
    await source.load();
    fixture.lines.length = 0;
    source.watch(() => Promise.resolve(), stopping.signal);
    if (name === "old") await eventually("an attempt", () => fixture.lines.length > 0);
    attempts.push(`${name} ${(await fixture.state.attempts()).failures}`);
  }
  assertEquals(attempts, ["young 0", "old 1"]);
  assertMatch(fixture.lines.join("\n"), /oldIsGoodUntil=/);
});

/** Ends what watches when its scope does. */
class Stopping implements Disposable {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}

/** A folder of its own, and an authority where nothing listens. */
class Fixture implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly state: ACMEState;
  readonly folder: StateFolder;
  readonly #temporary: TempDir;
  readonly #directory: string;

  private constructor(temporary: TempDir, folder: StateFolder) {
    this.#temporary = temporary;
    this.folder = folder;
    this.#directory = `https://localhost:${freePort()}/dir`;
    this.state = new ACMEState(folder, this.#directory);
  }

  static async make(): Promise<Fixture> {
    const temporary = await TempDir.make();
    return new Fixture(temporary, await StateFolder.open(`${temporary.path}/state`));
  }

  source(options: Partial<ACMESourceOptions> = {}): ACMESource {
    return new ACMESource({
      names: NAMES,
      directory: this.#directory,
      owner: { mail: "you@example.com", external: null },
      answers: new HTTPAnswers({ domain: "tunnel.example.com" }),
      state: this.state,
      lock: null,
      userAgent: "tunnel/test",
      log: new Log({ format: "text", level: "info", write: (line) => this.lines.push(line) }),
      ...options,
    });
  }

  /** Keeps a certificate that is good from so many milliseconds to so many from now. */
  async keep(
    { from, to, names = NAMES }: {
      readonly from: number;
      readonly to: number;
      readonly names?: readonly string[];
    },
  ): Promise<Certificate> {
    const now = Date.now();
    const life = { from: new Date(now + from), to: new Date(now + to) };
    const certificate = await selfSigned(names, await CertificateKey.make(), life);
    await this.state.keepCertificate(certificate);
    return certificate;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#temporary[Symbol.asyncDispose]();
  }
}
