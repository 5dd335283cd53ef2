import type { Log } from "../../cli/log.ts";
import type { Permission } from "../../cli/permissions.ts";
import type { ACMEOptions, ServerOptions } from "../options.ts";
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
import { PEMFiles } from "./pem_files.ts";

/** Where a server's certificates come from, with what has to run for it. */
export interface Certificates {
  /** null for a server without TLS. */
  readonly source: CertificateSource | null;
  /** Returns what an authority finds at a target over HTTP; null for nothing. */
  readonly proofAt: (target: string) => string | null;
  /** What it does later, beside the network. */
  readonly permissions: readonly Permission[];
  close(): void;
}

type Options = Pick<ServerOptions, "tls" | "acme" | "domain" | "fixed" | "hostname">;

/** What certificates are got with. */
interface Made {
  /** null for a server that keeps nothing, and so gets none. */
  readonly state: StateFolder | null;
  readonly userAgent: string;
  readonly log: Log;
}

/** Opens what the server's flags name. */
export function openCertificates(options: Options, { state, ...made }: Made): Certificates {
  const { tls, acme } = options;
  if (acme !== null && state !== null) return openACME({ ...options, acme }, { ...made, state });
  const source = tls === null ? null : new PEMFiles({ ...tls, log: made.log });
  return { source, proofAt: () => null, permissions: tls === null ? [] : ["read"], close() {} };
}

function openACME(
  options: Options & { readonly acme: ACMEOptions },
  { state: folder, userAgent, log }: Made & { readonly state: StateFolder },
): Certificates {
  const { acme, domain, fixed } = options;
  const state = new ACMEState(folder, acme.directory);
  const { answers, proofAt = () => null, close = () => {} } = challengeAnswers(options, log);
  const source = new ACMESource({
    ...acme,
    names: fixed ? [domain] : [domain, `*.${domain}`],
    owner: acme,
    answers,
    state,
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
  log: Log,
): Answering {
  const { hook, resolver, dnsPort } = acme;
  if (hook !== null) {
    const advice = "If it does not come, look at what the hook sets";
    const lookup = new DNSLookup({ resolver, advice, log });
    return { answers: new HookAnswers({ program: hook, lookup, log }) };
  }
  if (fixed) {
    const answers = new HTTPAnswers({ domain });
    return { answers, proofAt: (target) => answers.find(target) };
  }
  const responder = new DNSResponder({
    hostname,
    port: dnsPort,
    name: challengeName(domain),
    log,
  });
  const lookup = new DNSLookup({ resolver, advice: recordsAdvice(domain), log });
  return {
    answers: new DNSAnswers({ domain, responder, lookup }),
    close: () => responder.close(),
  };
}
