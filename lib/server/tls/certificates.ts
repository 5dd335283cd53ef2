import type { Log } from "../../cli/log.ts";
import type { Permission } from "../../cli/runtime.ts";
import type { ACMEOptions, ServerOptions } from "../options.ts";
import type { Bus } from "../bus/bus.ts";
import { SealedTexts } from "../bus/sealed_texts.ts";
import type { ProofFinder } from "../listen/https_redirect.ts";
import type { StateFolder } from "../state_folder.ts";
import { ACMESource } from "./acme_source.ts";
import { ACMEState } from "./acme_state.ts";
import type { CertificateSource } from "./certificate_source.ts";
import type { ChallengeAnswers } from "./challenge_answers.ts";
import { challengeName, DNSAnswers, recordsAdvice } from "./dns_answers.ts";
import { DNSLookup } from "./dns_lookup.ts";
import { DNSResponder } from "./dns_responder.ts";
import { HookAnswers } from "./hook_answers.ts";
import { HTTPAnswers } from "./http_answers.ts";
import { OrderLock } from "./order_lock.ts";
import { PEMFiles } from "./pem_files.ts";
import { SharedAnswers, sharedProofs } from "./shared_answers.ts";
import { SharedState } from "./shared_state.ts";

/** Where a server's certificates come from, with what has to run for it. */
export interface Certificates {
  /** null for a server without TLS. */
  readonly source: CertificateSource | null;
  readonly proofAt: ProofFinder;
  /** What it does later, beside the network. */
  readonly permissions: readonly Permission[];
  close(): void;
}

type Options = Pick<ServerOptions, "tls" | "acme" | "domain" | "fixed" | "hostname">;

/** What certificates are got with. */
interface Made {
  /** null for a server that keeps nothing, and so gets none. */
  readonly state: StateFolder | null;
  /** What the nodes of the domain share; null for a server that is alone. */
  readonly bus: Bus | null;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly userAgent: string;
  readonly log: Log;
}

/** Opens what the server's flags name. */
export async function openCertificates(
  options: Options,
  { state, ...made }: Made,
): Promise<Certificates> {
  const { tls, acme } = options;
  if (acme !== null && state !== null) {
    return await openACME({ ...options, acme }, { ...made, state });
  }
  const source = tls === null ? null : new PEMFiles({ ...tls, log: made.log });
  return { source, proofAt: () => null, permissions: tls === null ? [] : ["read"], close() {} };
}

async function openACME(
  options: Options & { readonly acme: ACMEOptions },
  { state: folder, userAgent, bus, log }: Made & { readonly state: StateFolder },
): Promise<Certificates> {
  const { acme, domain, fixed } = options;
  const { secret } = acme;
  const texts = bus === null || secret === null
    ? null
    : await SealedTexts.make({ bus, secret, domain });
  const kept = texts === null ? folder : new SharedState({ texts, folder, log });
  const answering = challengeAnswers(options, { texts, log });
  const { answers, proofAt = () => null, close = () => {} } = answering;
  const source = new ACMESource({
    ...acme,
    names: fixed ? [domain] : [domain, `*.${domain}`],
    owner: acme,
    answers: texts === null ? answers : new SharedAnswers(answers, texts),
    state: new ACMEState(kept, acme.directory),
    lock: bus === null || texts === null ? null : new OrderLock(bus),
    userAgent,
    log,
  });
  const permissions: Permission[] = ["read", "write"];
  if (acme.hook !== null) permissions.push("run");
  return { source, proofAt, permissions, close };
}

/** What shows proofs, and what belongs to it. */
interface Answering extends Partial<Pick<Certificates, "proofAt" | "close">> {
  readonly answers: ChallengeAnswers;
}

function challengeAnswers(
  { acme, domain, fixed, hostname }: Options & { readonly acme: ACMEOptions },
  { texts, log }: { readonly texts: SealedTexts | null; readonly log: Log },
): Answering {
  const { hook, resolver, dnsPort } = acme;
  const elsewhere = texts === null ? undefined : () => sharedProofs(texts);
  if (hook !== null) {
    const advice = "If it does not come, look at what the hook sets";
    const lookup = new DNSLookup({ resolver, advice, log });
    return { answers: new HookAnswers({ program: hook, lookup, log }) };
  }
  if (fixed) {
    const answers = new HTTPAnswers({ domain, elsewhere });
    return { answers, proofAt: (target) => answers.find(target) };
  }
  const responder = new DNSResponder({
    hostname,
    port: dnsPort,
    name: challengeName(domain),
    elsewhere: elsewhere && (async () => (await elsewhere()).map(({ text }) => text)),
    log,
  });
  const lookup = new DNSLookup({ resolver, advice: recordsAdvice(domain), log });
  return {
    answers: new DNSAnswers({ domain, responder, lookup }),
    close: () => responder.close(),
  };
}
