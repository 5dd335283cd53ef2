import { lookup } from "node:dns/promises";
import { type Finding, right, unknown, wrong } from "../../cli/doctor/finding.ts";
import { through } from "../../cli/doctor/first_visit_check.ts";
import { daysLeft, isOverdue, peerCertificate } from "../../cli/doctor/peer_certificate.ts";
import { Visitor } from "../../cli/doctor/visitor.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { withoutBrackets } from "../../net/authority.ts";
import { AddressSet } from "../../net/address_set.ts";
import type { HTTPProxy } from "../../net/http_proxy.ts";
import { dialWebSocket } from "../../websocket/dial.ts";
import { DialError } from "../../websocket/dial_error.ts";
import { SUBPROTOCOL, SUBSCRIBE_PATH } from "../../wire/messages.ts";
import { REGISTRATION_TIMEOUT } from "../../wire/limits.ts";
import { adviceOn } from "../dial_advice.ts";

export interface ServerCheckOptions {
  /** The server's origin. */
  readonly server: string;
  /** The proxy that leads there; null for none. */
  readonly proxy: HTTPProxy | null;
  /** Authorities in PEM that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
}

/** The steps of a dial, in order: each is right when a later one was reached. */
const STEPS = ["name", "proxy", "connection", "TLS", "WebSocket"] as const;
type Step = typeof STEPS[number];

/** Goes the way of a client up to its WebSocket and tells each step up to the one that fails; returns whether none did. */
export async function* checkServer(
  options: ServerCheckOptions,
): AsyncGenerator<Finding, boolean> {
  const { server } = options;
  const failure = await dial(options);
  const failed = failure === null ? null : failedStep(failure, server);
  for (const step of STEPS) {
    if (step === failed && failure !== null) {
      yield wrong(step, failure.message, advice(failure, server));
      return false;
    }
    const finding = await passed(step, options);
    if (finding !== null) yield finding;
  }
  return true;
}

async function dial({ server, proxy, authorities }: ServerCheckOptions): Promise<DialError | null> {
  try {
    const { connection } = await dialWebSocket(new URL(SUBSCRIBE_PATH, server), {
      ...{ proxy, authorities, protocol: SUBPROTOCOL, timeout: REGISTRATION_TIMEOUT },
      signal: new AbortController().signal,
    });
    connection.close();
    return null;
  } catch (error) {
    if (error instanceof DialError) return error;
    throw error;
  }
}

function failedStep({ failure }: DialError, server: string): Step {
  switch (failure.kind) {
    case "unreachable":
      return failure.code.startsWith("EAI_") ? "name" : "connection";
    case "late":
      return failure.step === "connection" ? "connection" : "WebSocket";
    case "proxy":
      return "proxy";
    case "tls":
      return "TLS";
    case "wants_tls":
      return server.startsWith("https:") ? "WebSocket" : "TLS";
    default:
      return "WebSocket";
  }
}

function advice({ failure }: DialError, server: string): string {
  const text = adviceOn(failure, new URL(server));
  return text === "" ? "Try again in a minute; if it stays, look at the server's log" : text;
}

/** Says what is known of a step that was passed; null for nothing. */
async function passed(step: Step, options: ServerCheckOptions): Promise<Finding | null> {
  const url = new URL(options.server);
  switch (step) {
    case "name":
      return await nameFinding(url, options.proxy);
    case "proxy":
      return options.proxy === null
        ? null
        : right(step, `${options.proxy.host}:${options.proxy.port} leads there`);
    case "connection":
      return null;
    case "TLS":
      return await tlsFinding(url, options.proxy);
    case "WebSocket":
      return right(step, `opened${await front(options)}`);
  }
}

/** Addresses of a name that are shown. */
const MAX_ADDRESSES = 4;

async function nameFinding({ hostname }: URL, proxy: HTTPProxy | null): Promise<Finding | null> {
  const name = withoutBrackets(hostname);
  if (proxy !== null) return unknown("name", `${name}: the proxy finds its address`);
  try {
    const found = await lookup(name, { all: true });
    const addresses = found.slice(0, MAX_ADDRESSES).map(({ address }) => address).join(", ");
    return right("name", addresses === name ? name : `${name} → ${addresses}`);
  } catch (error) {
    // A name below localhost leads to this machine, whatever the system's resolver says.
    return unknown("name", `${name}: ${messageOf(error)}`);
  }
}

/** Names of a certificate that are shown. */
const MAX_NAMES = 3;

async function tlsFinding(url: URL, proxy: HTTPProxy | null): Promise<Finding> {
  if (url.protocol === "http:") return withoutTLS(url);
  const certificate = proxy === null ? await peerCertificate(url) : null;
  if (certificate === null) return right("TLS", `the certificate is good for ${url.hostname}`);
  const now = new Date();
  const names = certificate.names.slice(0, MAX_NAMES).join(", ");
  const text = `from ${certificate.issuer}, for ${names}, ${daysLeft(certificate, now)} days left`;
  return isOverdue(certificate, now)
    ? wrong("TLS", text, "Its renewal is overdue: see at the server why the last one failed")
    : right("TLS", text);
}

function withoutTLS({ hostname }: URL): Finding {
  const name = withoutBrackets(hostname);
  const isLocal = name.endsWith("localhost") || LOOPBACK.has(name);
  return unknown(
    "TLS",
    isLocal ? "none, on this machine itself" : "none: everybody on the way can read all of it",
  );
}

const LOOPBACK = AddressSet.parse("loopback");

/** Names what is in front of the server, with a comma before; empty for nothing that tells its name. */
async function front({ server, proxy, authorities }: ServerCheckOptions): Promise<string> {
  try {
    using visitor = await Visitor.open({ url: new URL(server), proxy, authorities });
    await visitor.ask({ target: SUBSCRIBE_PATH });
    const { head } = await visitor.answer();
    return through(head.fields);
  } catch {
    // It tells nothing that is needed.
    return "";
  }
}
