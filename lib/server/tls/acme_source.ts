import type { Log } from "../../cli/log.ts";
import { onReload } from "../../cli/program.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { StateError } from "../state_folder.ts";
import { ACMEAccount, type ACMEAccountOptions } from "./acme_account.ts";
import { ACMEError } from "./acme_error.ts";
import type { Attempts, KeptCertificate } from "./acme_state.ts";
import { CertificateKey } from "./certificate_key.ts";
import { isGoodFor, renewalTime } from "./certificate_life.ts";
import { selfSigned } from "./certificate_request.ts";
import {
  type Certificate,
  CertificateError,
  type CertificateSource,
} from "./certificate_source.ts";
import type { OrderLock } from "./order_lock.ts";
import { pause } from "./pause.ts";

/** Milliseconds after the first failure, doubled by each further one: seven attempts in the first two hours, where Let's Encrypt allows five failures and one more every twelve minutes. */
const FIRST_WAIT = 60_000;

/** Milliseconds between attempts at most, when the authority does not ask for more. */
const LONGEST_WAIT = 3_600_000;

/** Milliseconds of a wait that an authority asks for: its limits are over a week at most. */
const LONGEST_LIMIT = 7 * 24 * LONGEST_WAIT;

/** Milliseconds between looks at the clock, which may be set, or stand still while a machine sleeps. */
const LOOK_AGAIN = 3_600_000;

/** Milliseconds between looks at what another node may have got, with a certificate that is good and without one. */
const LOOK_AT_SHARED = 60_000;
const LOOK_AT_ORDER = 2_000;

/** Milliseconds that the certificate of a server without one is good for: the time that an operator may take to set things right. */
const MAKESHIFT_LIFE = 30 * 24 * 3_600_000;

export interface ACMESourceOptions extends ACMEAccountOptions {
  /** What one node of a domain orders under; null for a server that is alone. */
  readonly lock: OrderLock | null;
  readonly log: Log;
}

/**
 * Gets certificates from an authority by itself (RFC 8555), keeps the latest, and gets another one when two thirds of
 * its life are over. SIGHUP has it look at what is kept again, and try at once what is due.
 *
 * Of the nodes of a domain one orders at a time, and the others find in what they share what it got.
 */
export class ACMESource implements CertificateSource {
  readonly #options: ACMESourceOptions;
  readonly #account: ACMEAccount;
  #kept: KeptCertificate | null = null;
  #attempts: Attempts = { failures: 0, next: 0 };
  #wake = new AbortController();

  constructor(options: ACMESourceOptions) {
    this.#options = options;
    this.#account = new ACMEAccount(options);
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
      if (this.#options.lock !== null) await this.#takeShared(onRenewed);
      const wait = this.#nextAttempt() - Date.now();
      if (wait > 0) await this.#sleep(Math.min(wait, this.#longestSleep), signal);
      else if (!await this.#inTurn(onRenewed, signal)) {
        await this.#sleep(LOOK_AT_ORDER, signal);
      }
    }
  }

  get #longestSleep(): number {
    if (this.#options.lock === null) return LOOK_AGAIN;
    return this.#kept === null ? LOOK_AT_ORDER : LOOK_AT_SHARED;
  }

  /** Attempts what is due; false when another node does. */
  async #inTurn(
    onRenewed: (certificate: Certificate) => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { lock, log } = this.#options;
    if (lock === null) {
      await this.#attempt(onRenewed, signal);
      return true;
    }
    try {
      return await lock.run(async () => {
        // The one before may have got it.
        await this.#takeShared(onRenewed);
        if (this.#nextAttempt() <= Date.now()) await this.#attempt(onRenewed, signal);
      });
    } catch (error) {
      log.warn("no certificate is asked for while the bus is away", { reason: messageOf(error) });
      return false;
    }
  }

  /** Uses what another node has got since, and gives the others what they lack. */
  async #takeShared(onRenewed: (certificate: Certificate) => Promise<void>): Promise<void> {
    const { names, directory, state, log } = this.#options;
    let found: KeptCertificate | null;
    try {
      found = await state.certificate();
      this.#attempts = await state.attempts();
    } catch (error) {
      log.error("what the nodes share cannot be used", { reason: messageOf(error) });
      return;
    }
    if (found === null || found.authority !== directory) return;
    const lead = found.life.from.getTime() - (this.#kept?.life.from.getTime() ?? 0);
    if (lead > 0 && isGoodFor(found.life, names, new Date())) {
      this.#kept = found;
      await this.#use(found, onRenewed);
    } else if (lead < 0 && this.#kept !== null) {
      const { certificate } = this.#kept;
      await this.#keep(() => state.keepCertificate(certificate));
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
    await this.#setAttempts({ ...this.#attempts, next: 0 });
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  async #attempt(
    onRenewed: (certificate: Certificate) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      this.#kept = await this.#account.obtain(signal);
    } catch (error) {
      if (!signal.aborted) await this.#failed(error);
      return;
    }
    const { certificate } = this.#kept;
    await this.#keep(() => this.#options.state.keepCertificate(certificate));
    await this.#setAttempts({ failures: 0, next: 0 });
    await this.#use(this.#kept, onRenewed);
  }

  async #use(
    { certificate, life }: KeptCertificate,
    onRenewed: (certificate: Certificate) => Promise<void>,
  ): Promise<void> {
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
    await this.#setAttempts({ failures, next });
    const until = this.#kept?.life.to.toISOString();
    log.error(`no certificate: ${messageOf(error)}`, {
      again: new Date(next).toISOString(),
      ...(until === undefined ? {} : { oldIsGoodUntil: until }),
    });
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
}

/** Returns the milliseconds to wait after so many failures in a row. */
export function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - 1, 16));
}
