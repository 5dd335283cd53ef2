import type { Log } from "../../cli/log.ts";
import { onReload } from "../../cli/program.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { StateError } from "../state_folder.ts";
import { type AccountOwner, ACMEClient, unexpected } from "./acme_client.ts";
import { ACMEError } from "./acme_error.ts";
import type { ACMEState, Attempts, KeptCertificate } from "./acme_state.ts";
import { CertificateKey } from "./certificate_key.ts";
import { certificateLife, isGoodFor, renewalTime } from "./certificate_life.ts";
import { orderCertificate } from "./certificate_order.ts";
import { selfSigned } from "./certificate_request.ts";
import {
  type Certificate,
  CertificateError,
  type CertificateSource,
} from "./certificate_source.ts";
import type { ChallengeAnswers } from "./challenge_answers.ts";
import { pause } from "./pause.ts";

/** Milliseconds after the first failure, doubled by each further one: seven attempts in the first two hours, where Let's Encrypt allows five failures and one more every twelve minutes. */
const FIRST_WAIT = 60_000;

/** Milliseconds between attempts at most, when the authority does not ask for more. */
const LONGEST_WAIT = 3_600_000;

/** Milliseconds of a wait that an authority asks for: its limits are over a week at most. */
const LONGEST_LIMIT = 7 * 24 * LONGEST_WAIT;

/** Milliseconds between looks at the clock, which may be set, or stand still while a machine sleeps. */
const LOOK_AGAIN = 3_600_000;

/** Milliseconds that the certificate of a server without one is good for: the time that an operator may take to set things right. */
const MAKESHIFT_LIFE = 30 * 24 * 3_600_000;

export interface ACMESourceOptions {
  /** The names that a certificate must have. */
  readonly names: readonly string[];
  /** The URL of the authority's directory. */
  readonly directory: string;
  readonly owner: AccountOwner;
  readonly answers: ChallengeAnswers;
  readonly state: ACMEState;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly userAgent: string;
  readonly log: Log;
}

/**
 * Gets certificates from an authority by itself (RFC 8555), keeps the latest, and gets another one when two thirds of
 * its life are over. SIGHUP has it look at what is kept again, and try at once what is due.
 */
export class ACMESource implements CertificateSource {
  readonly #options: ACMESourceOptions;
  #kept: KeptCertificate | null = null;
  #attempts: Attempts = { failures: 0, next: 0 };
  #wake = new AbortController();

  constructor(options: ACMESourceOptions) {
    this.#options = options;
  }

  /** Returns the certificate that is kept, or one that nobody trusts, so that the server can serve what it can. */
  async load(): Promise<Certificate> {
    const { names, state, log } = this.#options;
    try {
      this.#kept = await state.certificate();
      this.#attempts = await state.attempts();
    } catch (cause) {
      if (!(cause instanceof StateError)) throw cause;
      throw new CertificateError(cause.message, { cause });
    }
    const now = new Date();
    if (this.#kept !== null && isGoodFor(this.#kept.life, names, now)) {
      return this.#kept.certificate;
    }
    this.#kept = null;
    log.warn(
      "there is no certificate yet: until there is one, visitors and clients are told not to " +
        "trust this server",
      { names: names.join(", ") },
    );
    const life = { from: now, to: new Date(now.getTime() + MAKESHIFT_LIFE) };
    return await selfSigned(names, await CertificateKey.make(), life);
  }

  watch(onRenewed: (certificate: Certificate) => Promise<void>, signal: AbortSignal): void {
    onReload(() => void this.#lookAgain(), signal);
    void this.#run(onRenewed, signal);
  }

  async #run(
    onRenewed: (certificate: Certificate) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const wait = this.#nextAttempt() - Date.now();
      if (wait <= 0) await this.#attempt(onRenewed, signal);
      else await this.#sleep(Math.min(wait, LOOK_AGAIN), signal);
    }
  }

  /** Returns when a certificate is to be asked for, in milliseconds since 1970. */
  #nextAttempt(): number {
    const { directory } = this.#options;
    const { next } = this.#attempts;
    const isOurs = this.#kept?.authority === directory;
    const due = this.#kept === null || !isOurs ? 0 : renewalTime(this.#kept.life).getTime();
    // A clock that was set back must not put it off for longer than an authority would.
    return Math.max(due, Math.min(next, Date.now() + LONGEST_LIMIT));
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      await pause(milliseconds, AbortSignal.any([signal, this.#wake.signal]));
    } catch {
      // Something is to be looked at, or all of it ends.
    }
  }

  async #lookAgain(): Promise<void> {
    const { state, log } = this.#options;
    try {
      this.#kept = await state.certificate();
    } catch (error) {
      log.error("the certificate that is kept cannot be used", { reason: messageOf(error) });
      this.#kept = null;
    }
    this.#attempts = { ...this.#attempts, next: 0 };
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  async #attempt(
    onRenewed: (certificate: Certificate) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      this.#kept = await this.#obtain(signal);
    } catch (error) {
      if (!signal.aborted) await this.#failed(error);
      return;
    }
    const { certificate, life } = this.#kept;
    await this.#keep(() => this.#options.state.keepCertificate(certificate));
    await this.#setAttempts({ failures: 0, next: 0 });
    const { log } = this.#options;
    try {
      await onRenewed(certificate);
      log.info("a new certificate is used", {
        names: life.names.join(", "),
        until: life.to.toISOString(),
        renewal: renewalTime(life).toISOString(),
      });
    } catch (error) {
      log.error("the new certificate cannot be used", { reason: messageOf(error) });
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { log } = this.#options;
    const failures = this.#attempts.failures + 1;
    const asked = error instanceof ACMEError ? error.retryAfter ?? 0 : 0;
    const next = Date.now() + Math.max(waitAfter(failures), Math.min(asked, LONGEST_LIMIT));
    const until = this.#kept?.life.to.toISOString();
    log.error(`no certificate: ${messageOf(error)}`, {
      again: new Date(next).toISOString(),
      ...(until === undefined ? {} : { oldIsGoodUntil: until }),
    });
    await this.#setAttempts({ failures, next });
  }

  async #setAttempts(attempts: Attempts): Promise<void> {
    this.#attempts = attempts;
    await this.#keep(() => this.#options.state.keepAttempts(attempts));
  }

  /** What cannot be written is known until the server stops. */
  async #keep(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.log.error(messageOf(error));
    }
  }

  async #obtain(signal: AbortSignal): Promise<KeptCertificate> {
    const { names, directory } = this.#options;
    const certificate = await this.#order(signal);
    const life = certificateLife(certificate);
    if (life === null || !isGoodFor(life, names, new Date())) {
      const seen = life === null
        ? "none that can be read"
        : `${life.names.join(", ")}, from ${life.from.toISOString()} to ${life.to.toISOString()}`;
      throw unexpected(`a certificate that does not fit names and clock (${seen})`);
    }
    return { certificate, life, authority: directory };
  }

  async #order(signal: AbortSignal): Promise<Certificate> {
    const { names, answers } = this.#options;
    const order = async (client: ACMEClient) =>
      await orderCertificate({ client, names, answers, signal });
    try {
      return await order(await this.#client());
    } catch (error) {
      // The authority has forgotten the account, or was set up anew.
      if (!(error instanceof ACMEError) || error.code !== "accountDoesNotExist") throw error;
      const { state } = this.#options;
      await state.keepAccount({ ...await state.account(), url: null });
      return await order(await this.#client());
    }
  }

  /** Returns a client whose account is registered; the key was kept before, so that no account is lost. */
  async #client(): Promise<ACMEClient> {
    const { directory, owner, state, userAgent } = this.#options;
    const account = await state.account();
    const client = new ACMEClient({ directory, key: account.key, userAgent }, account.url);
    const url = await client.register(owner);
    if (url !== account.url) await state.keepAccount({ key: account.key, url });
    return client;
  }
}

/** Returns the milliseconds to wait after so many failures in a row. */
export function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - 1, 16));
}
