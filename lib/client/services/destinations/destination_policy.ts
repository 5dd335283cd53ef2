import type { RequestHead } from "../../../http/head.ts";
import { AddressSet } from "../../../net/address_set.ts";
import { isLocalhost } from "../../../net/authority.ts";
import { isPlain, plainPath, servicePath } from "../plain_path.ts";
import { addressKind } from "./address_kind.ts";
import type { Destination } from "./destination.ts";
import { type DestinationRule, isAbout, meansHost } from "./destination_rule.ts";

/** What an owner says of destinations. */
export interface DestinationRules {
  readonly allow: readonly DestinationRule[];
  /** Wins over `allow`. */
  readonly deny: readonly DestinationRule[];
}

/** A request for a destination. */
export interface DestinationRequest {
  readonly destination: Destination;
  /** As the visitor sent it. */
  readonly head: RequestHead;
}

/** Times that a path is decoded to see what it can be read as; who encodes it more often has something in mind. */
const MAX_DECODINGS = 4;

/** Decides where visitors may go: by the URL that they write, and again by the addresses that its host turns out to have. */
export class DestinationPolicy {
  readonly #rules: DestinationRules;

  constructor(rules: DestinationRules) {
    this.#rules = rules;
  }

  /** Tells whether a URL may be asked for, as far as it tells itself. */
  allowsURL(request: DestinationRequest): boolean {
    const paths = readingsOf(servicePath(request.destination.target));
    return paths !== null && this.#isAllowed(request, request.destination.host, paths) &&
      !this.#isDenied(request, request.destination.host, paths);
  }

  /**
   * Tells whether one of the host's addresses may be connected to. A star alone reaches what is everybody's, a name, or a
   * star with a name behind it, private networks as well. This machine and its surroundings are reached only where a
   * rule has the address itself: the owner of a name that is allowed could point it there.
   */
  allowsAddress(request: DestinationRequest, address: string): boolean {
    const { host, target } = request.destination;
    const paths = readingsOf(servicePath(target));
    if (paths === null || this.#isDenied(request, address, paths)) return false;
    const rules = this.#allowing(request, host, paths);
    switch (addressKind(address)) {
      case "public":
        return rules.length > 0;
      case "private":
        return rules.some(({ hosts }) => hosts.kind !== "all");
      case "local":
        return (LOOPBACK.has(address) && rules.some(isForLocalhost)) ||
          this.#allowing(request, address, paths).some(({ hosts }) => hosts.kind === "one");
    }
  }

  #isAllowed(request: DestinationRequest, host: string, paths: readonly string[]): boolean {
    return this.#allowing(request, host, paths).length > 0;
  }

  /** Returns the rules that allow a host, however its path is read. */
  #allowing(
    { destination, head }: DestinationRequest,
    host: string,
    paths: readonly string[],
  ): readonly DestinationRule[] {
    return this.#rules.allow.filter((rule) =>
      isAbout(rule, destination, head) && meansHost(rule, host) &&
      paths.every((path) => rule.path.matches(path))
    );
  }

  /** Tells whether a rule denies a host for any reading of its path. */
  #isDenied(
    { destination, head }: DestinationRequest,
    host: string,
    paths: readonly string[],
  ): boolean {
    return this.#rules.deny.some((rule) =>
      isAbout(rule, destination, head) && meansHost(rule, host) &&
      paths.some((path) => rule.path.matches(path))
    );
  }
}

const LOOPBACK = AddressSet.parse("loopback");

/** Whether a rule has one of the names that mean this machine (RFC 6761 section 6.3). */
function isForLocalhost({ hosts }: DestinationRule): boolean {
  return hosts.kind === "one" && isLocalhost(hosts.host);
}

/** Returns what a path can be read as, by those who decode it once or several times; null where there is no end to it. */
function readingsOf(path: string): readonly string[] | null {
  const readings = [path];
  let last = path;
  while (!isPlain(last)) {
    if (readings.length > MAX_DECODINGS) return null;
    const next = plainPath(last);
    if (next === last) break;
    readings.push(next);
    last = next;
  }
  return readings;
}
