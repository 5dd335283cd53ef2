import { ErrorCode, type SessionError } from "../../wire/errors.ts";
import { FrameType } from "../../wire/frame.ts";
import { MAX_STREAMS, REGISTRATION_TIMEOUT } from "../../wire/limits.ts";
import { verifyClaim } from "../../identity/claim.ts";
import { FIXED_HOSTNAME } from "../router.ts";
import { hasPolicy } from "../../identity/visitor_policy.ts";
import { decodeRequest, encodeMessage, newChallenge } from "../../wire/messages.ts";
import { RegistrationError } from "../../wire/registration_error.ts";
import { Session, type SessionEvents, type SessionOptions } from "../../mux/session.ts";
import { tunnelId } from "../../identity/thumbprint.ts";
import type { Transport } from "../../mux/transport.ts";
import type { Log } from "../../cli/log.ts";
import { RequestPolicy } from "../access/request_policy.ts";
import type { ClientCounts } from "./client_counts.ts";
import { ClientUpstream } from "./client_upstream.ts";
import type { RegistrationPolicy } from "../access/registration_policy.ts";
import type { TunnelLimits } from "../access/request_policy.ts";
import type { ServerMetrics } from "../admin/server_metrics.ts";
import type { Registry } from "./registry.ts";

/** Where a registered tunnel is found. */
export interface TunnelAddress {
  readonly hostname: string;
  readonly url: string;
}

/** What is known of a client's connection before it has said anything. */
export interface ClientConnection {
  /** The client's address; when it came through a trusted proxy, what that says. */
  readonly address: string;
  /** The Host field of its upgrade request. */
  readonly host: string;
}

/** What all sessions of a server's clients share. */
export interface ClientSessionContext extends SessionOptions {
  readonly registry: Registry;
  /** Decides who may connect. */
  readonly registrationPolicy: RegistrationPolicy;
  readonly tunnelLimits: TunnelLimits;
  readonly clientCounts: ClientCounts;
  readonly metrics: ServerMetrics;
  readonly log: Log;
  /** Name and version, for the challenge. */
  readonly server: string;
  /** The server's own URL, which a client should have been given. */
  readonly url: string;
  /** Whether a client may mean this server by that URL. */
  readonly isAudience: (audience: string, connection: ClientConnection) => boolean;
  /** Says where the tunnel with an id or a name is found. */
  readonly addressOf: (label: string) => TunnelAddress;
}

export interface ClientSessionOptions extends ClientSessionContext {
  /** Hears that the client has asked, and when that is looked at to the end. */
  readonly onAsked: (registration: Promise<void>) => void;
  readonly onRegistered: (session: Session) => void;
  readonly onClose: (session: Session) => void;
}

/** Characters of an id or a key by which a person tells a few from each other. */
const SHORT = 8;

/** One client's connection, from the challenge to its end. */
export class ClientSession implements SessionEvents {
  readonly onStream = null;
  readonly #options: ClientSessionOptions;
  readonly #connection: ClientConnection;
  readonly #session: Session;
  readonly #challenge;
  readonly #timer: ReturnType<typeof setTimeout>;
  #log: Log;
  #asked = false;
  #upstream: ClientUpstream | null = null;
  #release = (): void => {};
  #ended = false;

  constructor(
    transport: Transport,
    connection: ClientConnection,
    options: ClientSessionOptions,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#log = options.log.with({ client: connection.address });
    this.#session = new Session(transport, this, options);
    this.#challenge = newChallenge(options.server, MAX_STREAMS);
    this.#session.sendRegistration(
      FrameType.RegistrationChallenge,
      encodeMessage(this.#challenge),
    );
    this.#timer = setTimeout(
      () =>
        this.#refuse(
          new RegistrationError(
            "timeout",
            `no registration came within ${REGISTRATION_TIMEOUT / 1000} s`,
            false,
          ),
        ),
      REGISTRATION_TIMEOUT,
    );
  }

  onRegistration(type: number, payload: Uint8Array): void {
    if (type !== FrameType.RegistrationRequest || this.#asked) {
      this.#refuse(new RegistrationError("malformed", "one RegistrationRequest was expected"));
      return;
    }
    this.#asked = true;
    this.#options.onAsked(this.#register(payload).catch((error) => this.#refuse(error)));
  }

  onGoAway(reason: string): void {
    this.#log.debug("client goes away", { reason });
  }

  onIdsLow(): void {
    this.#session.goAway("this connection has carried as many requests as it can");
  }

  onClose(error: SessionError): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#upstream !== null) {
      this.#options.registry.remove(this.#upstream);
      this.#options.clientCounts.changed(this.#upstream.hostnames[0] ?? "");
      this.#release();
      const [hostname = ""] = this.#upstream.hostnames;
      const isLast = this.#options.registry.upstreamsOf(hostname).length === 0;
      const shown = `- ${this.#shortName()}  ${error.message}`;
      this.#log.info("client left", { reason: error.message }, isLast ? shown : null);
    } else {
      this.#log.debug("unregistered connection ended", { reason: error.message });
    }
    this.#options.onClose(this.#session);
  }

  onTraffic(received: number, sent: number): void {
    this.#options.metrics.received.inc(received);
    this.#options.metrics.sent.inc(sent);
    if (this.#upstream === null) return;
    this.#upstream.received += received;
    this.#upstream.sent += sent;
  }

  async #register(payload: Uint8Array): Promise<void> {
    const { registrationPolicy, isAudience, addressOf, registry, tunnelLimits } = this.#options;
    const { address } = this.#connection;
    registrationPolicy.enter(address);
    const request = decodeRequest(payload);
    await registrationPolicy.checkToken(request);
    const claim = await verifyClaim(request.jws, {
      nonce: this.#challenge.nonce,
      isAudience: (audience) => isAudience(audience, this.#connection),
    });
    const { thumbprint, name, policy } = claim;
    const id = await tunnelId(thumbprint, claim.label);
    await registrationPolicy.admit({ ...claim, address });
    if (this.#ended) return;
    const own = addressOf(id);
    // What was wished for comes first for the client, which shows the first.
    const found = name === "" ? [own] : [addressOf(name), own];
    const hostnames = found.map(({ hostname }) => hostname);
    const upstream = new ClientUpstream({
      session: this.#session,
      id,
      thumbprint,
      name,
      hostnames: hostnames.toReversed(),
      address,
      mark: claim.mark,
      requestPolicy: new RequestPolicy({
        ...tunnelLimits,
        id,
        owner: address,
        policy,
        allowance: () => registrationPolicy.limitsOf(thumbprint),
        isOwnHost: (host) => hostnames.includes(host) || hostnames.includes(FIXED_HOSTNAME),
        isSecure: own.url.startsWith("https:"),
        load: () => registry.load(own.hostname),
      }),
    });
    registry.add(upstream);
    if (policy.limits.timeout !== null) this.#session.shortenHeadTimeout(policy.limits.timeout);
    this.#release = registrationPolicy.hold(upstream);
    clearTimeout(this.#timer);
    this.#upstream = upstream;
    this.#session.establish(claim.features);
    this.#options.clientCounts.changed(own.hostname);
    const urls = found.map(({ url }) => url);
    this.#session.sendRegistration(
      FrameType.RegistrationResponse,
      encodeMessage({ id, hostnames, urls, ...(hasPolicy(policy) ? { policy: true } : {}) }),
    );
    this.#log = this.#log.with({ tunnel: id });
    const isFirst = registry.upstreamsOf(own.hostname).length === 1;
    const shown = `+ ${this.#shortName()}  from ${address}, key ${thumbprint.slice(0, SHORT)}`;
    const fields = { url: urls[0], key: thumbprint, connection: claim.connection };
    this.#log.info("client registered", fields, isFirst ? shown : null);
    this.#options.onRegistered(this.#session);
  }

  /** What a terminal calls the tunnel. */
  #shortName(): string {
    const { name = "", id = "" } = this.#upstream ?? {};
    return name === "" ? id.slice(0, SHORT) : name;
  }

  #refuse(error: unknown): void {
    if (this.#ended) return;
    const refusal = error instanceof RegistrationError
      ? error
      : new RegistrationError("try_again", "an internal error", false, { cause: error });
    this.#options.metrics.refused.labels(refusal.code).inc();
    const isNoted = this.#options.registrationPolicy.isNoted(this.#connection.address);
    this.#log[isNoted ? "warn" : "debug"]("registration refused", {
      code: refusal.code,
      reason: refusal.message,
    });
    const { code, permanent } = refusal;
    const message = code === "wrong_audience"
      ? `${refusal.message}; it is ${this.#options.url}`
      : refusal.message;
    this.#session.sendRegistration(
      FrameType.RegistrationResponse,
      encodeMessage({ error: { code, message, permanent } }),
    );
    this.#session.close(ErrorCode.Unregistered, message);
  }
}
