import { createPrivateKey } from "node:crypto";
import { type Finding, right, unknown, wrong } from "../../cli/doctor/finding.ts";
import { daysLeft, isOverdue } from "../../cli/doctor/peer_certificate.ts";
import { systemCode, systemReason } from "../../net/system_reason.ts";
import { dayOf } from "../../net/tls_failure.ts";
import type { ServerOptions } from "../options.ts";
import { isKeyOf } from "../tls/certificate_key.ts";
import { type CertificateLife, certificateLife } from "../tls/certificate_life.ts";

const CHECK = "certificate";

/** Reads the certificate's files as the server does: its names, its key and its days. */
export async function checkCertificate(
  { tls, acme, domain, publicUrl, fixed }: Pick<
    ServerOptions,
    "tls" | "acme" | "domain" | "publicUrl" | "fixed"
  >,
  now: Date = new Date(),
): Promise<Finding> {
  if (acme !== null) return unknown(CHECK, "the server gets and renews it itself");
  if (tls === null) return withoutFiles(domain, publicUrl);
  let cert: string;
  try {
    cert = await Deno.readTextFile(tls.certFile);
  } catch (cause) {
    return wrong(CHECK, `${tls.certFile}: ${systemReason(cause)}`, "Check --tls-cert");
  }
  const life = certificateLife({ cert });
  if (life === null) return wrong(CHECK, `${tls.certFile}: ${NO_PEM}`, "Check --tls-cert");
  try {
    const key = await Deno.readTextFile(tls.keyFile);
    // What is no key at all throws here.
    createPrivateKey(key);
    if (!isKeyOf({ cert, key })) {
      return wrong(CHECK, `${tls.keyFile} is the key of another certificate`, "Check --tls-key");
    }
  } catch (cause) {
    return wrong(CHECK, `${tls.keyFile}: ${reasonOf(cause)}`, "Check --tls-key");
  }
  const host = publicUrl === null ? domain : new URL(publicUrl).hostname;
  return judged(life, { wanted: fixed ? [host] : [domain, `*.${domain}`], now });
}

function judged(
  { from, to: until, names }: CertificateLife,
  { wanted, now }: { readonly wanted: readonly string[]; readonly now: Date },
): Finding {
  const life = { from, until };
  if (life.from > now) {
    const text = `is valid from ${dayOf(life.from)} on, and this clock says ${dayOf(now)}`;
    return wrong(CHECK, text, "Set this machine's clock if it is wrong");
  }
  if (life.until < now) {
    return wrong(CHECK, `expired on ${dayOf(life.until)}`, "Renew it, then send the server SIGHUP");
  }
  const missing = wanted.filter((name) => !covers(names, name));
  if (missing.length > 0) {
    const text = `is for ${names.join(", ")}, and not for ${missing.join(", ")}`;
    return wrong(CHECK, text, `Get one for ${wanted.join(" and ")}, by a challenge over DNS`);
  }
  const text = `for ${names.join(", ")}, ${daysLeft(life, now)} days left`;
  return isOverdue(life, now)
    ? wrong(CHECK, text, "Its renewal is overdue: see why the last one failed")
    : right(CHECK, text);
}

/** Whether a certificate of these names is good for one, which may be a wildcard itself. */
function covers(names: readonly string[], name: string): boolean {
  const parent = `*.${name.slice(name.indexOf(".") + 1)}`;
  return names.includes(name) || (!name.startsWith("*.") && names.includes(parent));
}

function withoutFiles(domain: string, publicUrl: string | null): Finding {
  if (publicUrl?.startsWith("https:")) return unknown(CHECK, "the proxy in front has it");
  if (domain.endsWith("localhost")) return unknown(CHECK, "none, on this machine itself");
  return wrong(
    CHECK,
    "none: everybody on the way can read and change what visitors and services send",
    "Have the server get one (--acme), give it one (--tls-cert, --tls-key), or put a proxy with TLS in front (--public-url)",
  );
}

function reasonOf(error: unknown): string {
  // Those of files alone are the system's; the readers of PEM have other codes, and texts of a library.
  return /^E[A-Z]+$/.test(systemCode(error)) ? systemReason(error) : NO_PEM;
}

const NO_PEM = "it has no PEM that can be read";
