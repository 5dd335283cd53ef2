import { CERTIFICATE, readCertificate } from "./certificate.ts";
import { freePort } from "./free_port.ts";
import { Lines } from "./lines.ts";
import { TempDir } from "./temp_dir.ts";
import { within } from "./within.ts";

/** Where pebble is: on the PATH, or where `go install` has put it; null for nowhere. */
const PEBBLE = findPebble();

/** Whether tests against an authority can run; when not, a line says that they are skipped. */
export const hasPebble = PEBBLE !== null;

export interface PebbleOptions {
  /** The port on this machine of the DNS server that it asks about all names. */
  readonly dnsPort: number;
  /** The port on which it looks for proofs over HTTP. @default a free one */
  readonly httpPort?: number;
  /** Keys, by id, that accounts have to be bound to. @default none, and they need not be */
  readonly externalKeys?: Readonly<Record<string, string>>;
  /** Of a hundred nonces, those that it refuses at random: one request in a million is refused ten times over. @default 25 */
  readonly badNonces?: number;
  /** Of a hundred authorizations, those that it uses again. @default 50 */
  readonly reuse?: number;
}

/** Let's Encrypt's own authority for tests, which forgets everything when it ends. */
export class Pebble implements AsyncDisposable {
  /** The URL of its directory. */
  readonly directory: string;
  /** What the programs of a test have to be told to trust it. */
  readonly trusting: { readonly DENO_CERT: string } = { DENO_CERT: CERTIFICATE.certFile };
  readonly stdout: Lines;
  readonly #child: Deno.ChildProcess;
  readonly #folder: TempDir;
  readonly #management: string;

  private constructor(
    child: Deno.ChildProcess,
    folder: TempDir,
    ports: { readonly acme: number; readonly management: number },
  ) {
    this.#child = child;
    this.#folder = folder;
    this.stdout = new Lines(child.stdout);
    this.directory = `https://localhost:${ports.acme}/dir`;
    this.#management = `https://localhost:${ports.management}`;
  }

  static async start(options: PebbleOptions): Promise<Pebble> {
    if (PEBBLE === null) throw new Error("pebble is not installed");
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const ports = { acme: freePort(), management: freePort() };
    const file = `${folder.path}/config.json`;
    await Deno.writeTextFile(file, JSON.stringify(configuration(options, ports)));
    const { dnsPort, badNonces = 25, reuse = 50 } = options;
    const child = new Deno.Command(PEBBLE, {
      args: ["-config", file, "-dnsserver", `127.0.0.1:${dnsPort}`],
      env: {
        PEBBLE_WFE_NONCEREJECT: `${badNonces}`,
        PEBBLE_AUTHZREUSE: `${reuse}`,
        PEBBLE_VA_ALWAYS_VALID: "0",
        PEBBLE_VA_NOSLEEP: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const pebble = started.use(new Pebble(child, folder, ports));
    const line = await within(pebble.stdout.find(/ACME directory available/), "pebble to listen");
    if (line === null) throw new Error(`pebble does not start: ${pebble.stdout}`);
    started.move();
    return pebble;
  }

  /** Returns the root that the chains of its certificates end at. */
  async root(): Promise<string> {
    using client = Deno.createHttpClient({ caCerts: [readCertificate()] });
    const response = await fetch(`${this.#management}/roots/0`, { client });
    return await response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await within(this.#child.status, "the end of pebble");
    await this.stdout.ended;
    await this.#folder[Symbol.asyncDispose]();
  }
}

function configuration(
  { httpPort = freePort(), externalKeys }: PebbleOptions,
  ports: { readonly acme: number; readonly management: number },
): unknown {
  return {
    pebble: {
      listenAddress: `127.0.0.1:${ports.acme}`,
      managementListenAddress: `127.0.0.1:${ports.management}`,
      certificate: CERTIFICATE.certFile,
      privateKey: CERTIFICATE.keyFile,
      httpPort,
      tlsPort: freePort(),
      ocspResponderURL: "",
      externalAccountBindingRequired: externalKeys !== undefined,
      externalAccountMACKeys: externalKeys ?? {},
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles: { default: { description: "as usual", validityPeriod: 7_776_000 } },
    },
  };
}

function findPebble(): string | null {
  const folder = Deno.env.get("GOPATH") ?? `${Deno.env.get("HOME")}/go`;
  for (const path of ["pebble", `${folder}/bin/pebble`]) {
    try {
      const { stderr } = new Deno.Command(path, { args: ["-h"], stdout: "null" }).outputSync();
      // There is another program of that name.
      if (new TextDecoder().decode(stderr).includes("-dnsserver")) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  console.warn("skipped: pebble is not installed");
  return null;
}
