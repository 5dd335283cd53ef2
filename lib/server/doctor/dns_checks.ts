import { type Finding, right, unknown, wrong } from "../../cli/doctor/finding.ts";

/** A DNS server to ask. */
export interface NameServer {
  readonly ipAddr: string;
  readonly port: number;
}

export interface DNSCheckOptions {
  /** Tunnels are `<id>.<domain>`. */
  readonly domain: string;
  /** One tunnel for every host: there are no names below the domain. */
  readonly fixed: boolean;
  /** Whether this server is to answer an authority's challenges itself. */
  readonly needsChallenge: boolean;
  /** null for the system's. @default null */
  readonly nameServer?: NameServer | null;
}

/** Looks up the records that visitors, clients and authorities go by, and tells what they should be. */
export async function* checkDNS(options: DNSCheckOptions): AsyncGenerator<Finding> {
  const { domain, fixed, needsChallenge, nameServer = null } = options;
  if (domain === "localhost" || domain.endsWith(".localhost")) {
    yield unknown("name", `${domain} leads to each machine itself, and works there alone`);
    return;
  }
  const addresses = await addressesOf(domain, nameServer);
  yield addresses.length === 0
    ? wrong("name", `${domain} has no address`, `Set the record: ${domain} A ${THIS_SERVER}`)
    : right("name", `${domain} → ${addresses.join(", ")}`);
  if (fixed) return;
  yield await checkWildcard(domain, addresses, nameServer);
  yield await checkDelegation(domain, needsChallenge, nameServer);
}

const THIS_SERVER = "<this server's address>";

async function checkWildcard(
  domain: string,
  expected: readonly string[],
  nameServer: NameServer | null,
): Promise<Finding> {
  const label = `doctor-${crypto.randomUUID().slice(0, 8)}`;
  const addresses = await addressesOf(`${label}.${domain}`, nameServer);
  const record = `*.${domain} A ${expected[0] ?? THIS_SERVER}`;
  if (addresses.length === 0) {
    const advice = `Set the record: ${record} (without it tunnels are reached by path alone)`;
    return wrong("wildcard", `*.${domain} has no address`, advice);
  }
  const text = `*.${domain} → ${addresses.join(", ")}`;
  return expected.length === 0 || addresses.some((address) => expected.includes(address))
    ? right("wildcard", text)
    : wrong("wildcard", `${text}, and ${domain} elsewhere`, `Set the record: ${record}`);
}

/** Looks who answers an authority's challenges: this server can, where it is asked. */
async function checkDelegation(
  domain: string,
  isNeeded: boolean,
  nameServer: NameServer | null,
): Promise<Finding> {
  const name = `_acme-challenge.${domain}`;
  const servers = (await records(name, "NS", nameServer)).map(withoutDot);
  if (!isNeeded && servers.length === 0) {
    return unknown("challenge", `${name} has no NS record, which --acme alone needs`);
  }
  const text = servers.length === 0
    ? `${name} has no NS record that can be seen, which may be so while no server runs`
    : `${name} is asked at ${servers.join(", ")}`;
  if (servers.includes(domain)) return right("challenge", text);
  // One who gets certificates elsewhere may have no such record, or another.
  return isNeeded
    ? wrong("challenge", text, `For --acme set the record: ${name} NS ${domain}`)
    : unknown("challenge", text);
}

async function addressesOf(name: string, nameServer: NameServer | null): Promise<string[]> {
  const found = await Promise.all([
    records(name, "A", nameServer),
    records(name, "AAAA", nameServer),
  ]);
  return found.flat();
}

/** Returns the records of a name, none also where nobody answers: Deno does not tell the two apart. */
async function records(
  name: string,
  type: "A" | "AAAA" | "NS",
  nameServer: NameServer | null,
): Promise<string[]> {
  const options = nameServer === null ? {} : { nameServer: { ...nameServer } };
  try {
    // The dot at the end keeps the system's search list out.
    return await Deno.resolveDns(`${name}.`, type, options);
  } catch {
    return [];
  }
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}
