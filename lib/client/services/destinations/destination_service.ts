import type { RequestHead } from "../../../http/head.ts";
import type { Field } from "../../../http/fields.ts";
import { addressesOf } from "../../../net/name_lookup.ts";
import { LocalHTTP } from "../local_http/local_http.ts";
import type { OriginTrust } from "../origin.ts";
import { PassingIncoming } from "../passing_incoming.ts";
import type { Incoming, Service, TroubleHearer } from "../service.ts";
import { type TextAnswer, textAnswer } from "../text_answer.ts";
import { type Destination, parseDestination } from "./destination.ts";
import { meansHost } from "./destination_rule.ts";
import { DestinationPolicy, type DestinationRules } from "./destination_policy.ts";

export interface DestinationOptions extends DestinationRules {
  /** What destinations over TLS are trusted by. */
  readonly trust: OriginTrust;
  /** Hears what is wrong with a destination that a rule names in full, and of mistakes of this program. */
  readonly onTrouble?: TroubleHearer;
  /** Returns the addresses of a host. @default asks the system */
  readonly lookUp?: (host: string) => Promise<readonly string[]>;
}

/** Lets visitors name where their requests go; where nothing is allowed, that is the service itself. */
export function withDestinations(service: Service, options: DestinationOptions): Service {
  return options.allow.length === 0 ? service : new DestinationService(service, options);
}

/** The field that names a destination. */
const FIELD = "x-proxy-destination";

/** Destinations whose connections are kept; the one that was asked longest ago makes room. */
const MAX_KEPT = 64;

/** Asks the destination that a request names, where the owner allows it, and gives all other requests to a service. */
class DestinationService implements Service {
  readonly #inner: Service;
  readonly #options: DestinationOptions;
  readonly #policy: DestinationPolicy;
  /** By origin and addresses, the last asked last. */
  readonly #kept = new Map<string, LocalHTTP>();

  constructor(inner: Service, options: DestinationOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#policy = new DestinationPolicy(options);
  }

  serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const named = head.fields.filter(([name]) => name === FIELD).map(([, value]) => value);
    if (named.length === 0) return this.#inner.serve(incoming, head);
    const destination = named.length === 1 ? parseDestination(named[0] ?? "") : undefined;
    return destination === undefined
      ? textAnswer(incoming, head, NOT_A_DESTINATION)
      : this.#ask(incoming, head, destination);
  }

  close(): void {
    this.#inner.close();
    for (const destination of this.#kept.values()) destination.close();
    this.#kept.clear();
  }

  async #ask(incoming: Incoming, head: RequestHead, destination: Destination): Promise<void> {
    const request = { destination, head };
    if (!this.#policy.allowsURL(request)) return await textAnswer(incoming, head, NOT_ALLOWED);
    // Whether there is a body can be told from now alone.
    const waiting = new WaitingIncoming(incoming);
    const { lookUp = addressesOf } = this.#options;
    const addresses = await lookUp(destination.host);
    if (incoming.sendEnded) return;
    if (addresses.length === 0) return await textAnswer(waiting, head, NO_ADDRESS);
    // One that is not allowed could be the one that is connected to.
    if (!addresses.every((address) => this.#policy.allowsAddress(request, address))) {
      return await textAnswer(waiting, head, ADDRESS_NOT_ALLOWED);
    }
    const fields = head.fields.filter(isForDestination);
    const { target } = destination;
    const service = this.#serviceFor(destination, addresses);
    await service.serve(waiting, { method: head.method, target, fields });
  }

  /** Connects to these addresses alone: another look-up might find others. */
  #serviceFor(destination: Destination, addresses: readonly string[]): LocalHTTP {
    const key = `${destination.origin} ${addresses.toSorted()}`;
    const kept = this.#kept.get(key) ?? this.#open(destination, addresses);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest, ...others] = this.#kept;
    if (oldest !== undefined && others.length >= MAX_KEPT) {
      const [place, service] = oldest;
      service.close();
      this.#kept.delete(place);
    }
    return kept;
  }

  #open({ scheme, host, port }: Destination, addresses: readonly string[]): LocalHTTP {
    const { trust, allow, onTrouble } = this.#options;
    // Of names that visitors make up behind a star, they would fill the owner's terminal.
    const isNamed = allow.some((rule) => rule.hosts.kind === "one" && meansHost(rule, host));
    return new LocalHTTP({
      origin: { kind: scheme, host, port, addresses },
      trust,
      hostHeader: "rewrite",
      onTrouble: (sentence, mistake) => {
        if (isNamed || mistake !== undefined) onTrouble?.(sentence, mistake);
      },
    });
  }
}

/** Programs behind a gateway of old take an underscore for a hyphen. */
function isForDestination([name]: Field): boolean {
  return name.replaceAll("_", "-") !== FIELD;
}

/** The service's end of an exchange that was not served at once: a body that has come meanwhile is still to be read. */
class WaitingIncoming extends PassingIncoming {
  #isUnread: boolean;

  constructor(incoming: Incoming) {
    super(incoming);
    this.#isUnread = !incoming.receiveEnded;
  }

  override get receiveEnded(): boolean {
    return !this.#isUnread && super.receiveEnded;
  }

  override read(): ReturnType<Incoming["read"]> {
    const read = super.read();
    if (!(read instanceof Promise)) return this.#seen(read);
    return read.then((chunk) => this.#seen(chunk));
  }

  #seen<T>(chunk: T): T {
    if (chunk === null) this.#isUnread = false;
    return chunk;
  }
}

const NOT_A_DESTINATION: TextAnswer = {
  status: 400,
  sentence: "X-Proxy-Destination must be one URL, such as https://api.example/path.",
};

const NOT_ALLOWED: TextAnswer = {
  status: 403,
  sentence: "The owner of this tunnel does not allow this destination.",
};

const ADDRESS_NOT_ALLOWED: TextAnswer = {
  status: 403,
  sentence: "This destination has an address that the owner of this tunnel does not allow.",
};

const NO_ADDRESS: TextAnswer = {
  status: 502,
  sentence: "The host of this destination has no address.",
};
