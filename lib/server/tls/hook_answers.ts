import type { Log } from "../../cli/log.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { systemReason } from "../../net/system_reason.ts";
import type { ChallengeAnswers, Proof } from "./challenge_answers.ts";
import { challengeName, seenByName } from "./dns_answers.ts";
import type { DNSLookup } from "./dns_lookup.ts";

/** Milliseconds that the program may take: it talks to a provider of DNS, which may be slow. */
const TIMEOUT = 120_000;

/** Bytes of what the program says on standard error that are kept: its last words say what failed. */
const MAX_WORDS = 4 * 1024;

export interface HookAnswersOptions {
  /** The program's name or path. */
  readonly program: string;
  readonly lookup: DNSLookup;
  readonly log: Log;
}

/** Shows proofs by a program of the operator's, which sets and clears TXT records: `<program> set|clear <name> <text>`. */
export class HookAnswers implements ChallengeAnswers {
  readonly type = "dns-01";
  readonly advice: string;
  readonly #options: HookAnswersOptions;

  constructor(options: HookAnswersOptions) {
    this.#options = options;
    this.advice = `Look at what ${options.program} sets; its arguments are set or clear, the ` +
      "name of a TXT record and its text";
  }

  async show(proof: Proof): Promise<void> {
    await this.#run("set", proof);
  }

  async hide(proof: Proof): Promise<void> {
    try {
      await this.#run("clear", proof);
    } catch (error) {
      this.#options.log.warn("a TXT record may be left over", { reason: messageOf(error) });
    }
  }

  async seen(proofs: readonly Proof[], signal: AbortSignal): Promise<void> {
    await seenByName(this.#options.lookup, proofs, signal);
  }

  async #run(act: "set" | "clear", { name, text }: Proof): Promise<void> {
    const { program } = this.#options;
    const failed = (why: string, cause?: unknown): Error =>
      new Error(`${program} could not ${act} the TXT record of ${challengeName(name)}: ${why}`, {
        cause,
      });
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(program, {
        args: [act, challengeName(name), text],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
        signal: AbortSignal.timeout(TIMEOUT),
      }).spawn();
    } catch (cause) {
      throw failed(systemReason(cause), cause);
    }
    const [{ success, code, signal }, words] = await Promise.all([
      child.status,
      lastWords(child.stderr),
    ]);
    if (success) return;
    const how = signal === null ? `status ${code}` : `ended by ${signal}`;
    throw failed(words === "" ? how : `${how}, ${words}`);
  }
}

/** Reads all, and returns the last line of it. */
async function lastWords(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text = (text + part).slice(-MAX_WORDS);
  }
  return text.trimEnd().split("\n").at(-1) ?? "";
}
