/** Says to the owner which setting of the local service lets visitors in, given the tunnel's public URL. */
export type HostAdvice = (publicURL: URL) => string;

/** Options of {@linkcode HostCheck}. */
export interface HostCheckOptions {
  /** Whether the origin gets another Host than the public one. */
  readonly isHostReplaced: boolean;
  /** Hears of each kind of refusal once. */
  readonly onRefused: (advice: HostAdvice) => void;
}

/** The answer by which one kind of program refuses a host or an origin that it does not know. */
interface Refusal {
  readonly status: 400 | 403;
  /** What this program alone says, ASCII. */
  readonly sign: string;
  /** Looked for only where Host is the public one, or only where it is not; always when missing. */
  readonly isHostReplaced?: boolean;
  readonly advice: HostAdvice;
}

/**
 * What is known of real programs; their answers are in tests/testdata/host_checks. Programs that say on a terminal of
 * their own what to set, and visitors only that they are refused, are not among them: Next and Jupyter.
 */
const REFUSALS: readonly Refusal[] = [
  {
    status: 403,
    sign: "Blocked request. This host (",
    isHostReplaced: false,
    advice: ({ hostname }) =>
      `Vite refuses the host: add "${hostname}" to server.allowedHosts in its config, or start ` +
      "this client with --host-header rewrite",
  },
  {
    status: 403,
    sign: "Invalid Host header",
    advice: ({ hostname }) =>
      `webpack-dev-server refuses the host: add "${hostname}" to devServer.allowedHosts, and set ` +
      'devServer.client.webSocketURL to "auto://0.0.0.0:0/ws"',
  },
  {
    status: 403,
    sign: "Cross-site POST form submissions are forbidden",
    advice: ({ hostname, origin, protocol }) =>
      `Astro or SvelteKit refuses a form: for Astro add { hostname: "${hostname}", protocol: ` +
      `"${protocol.slice(0, -1)}" } to security.allowedDomains in its config, and start a built ` +
      `SvelteKit with ORIGIN=${origin}`,
  },
  {
    status: 400,
    sign: "DisallowedHost",
    advice: ({ hostname }) =>
      `Django refuses the host: add "${hostname}" to ALLOWED_HOSTS in its settings`,
  },
  {
    status: 403,
    sign: "Origin checking failed - ",
    advice: ({ origin }) =>
      `Django refuses a form: add "${origin}" to CSRF_TRUSTED_ORIGINS in its settings`,
  },
  {
    status: 403,
    sign: "<h1>Blocked host",
    advice: ({ hostname }) =>
      `Rails refuses the host: add "${hostname}" to config.hosts, or start Rails with ` +
      `RAILS_DEVELOPMENT_HOSTS=${hostname}`,
  },
  {
    status: 403,
    sign: "<Code>SignatureDoesNotMatch</Code>",
    isHostReplaced: true,
    advice: () =>
      "the S3 service refuses a signature, which covers Host: start this client without " +
      "--host-header",
  },
];

/** Bytes of an answer that are looked at: the page of Rails says it after 5.4 KiB of styles. */
const MAX_LOOKED_AT = 8 * 1024;

/** Characters kept of a piece, since a sign may begin in one and end in the next. */
const MAX_OVERLAP = Math.max(...REFUSALS.map(({ sign }) => sign.length)) - 1;

const decoder = new TextDecoder("latin1");

/**
 * Recognises the answers by which local programs refuse a host that they do not know, and tells the owner, whom no
 * visitor would tell, which setting it takes.
 *
 * Each kind is told once. A body that is compressed is not recognised.
 */
export class HostCheck {
  readonly #onRefused: (advice: HostAdvice) => void;
  /** Those that were not told. */
  readonly #untold: Set<Refusal>;

  constructor({ isHostReplaced, onRefused }: HostCheckOptions) {
    this.#onRefused = onRefused;
    this.#untold = new Set(
      REFUSALS.filter((refusal) => (refusal.isHostReplaced ?? isHostReplaced) === isHostReplaced),
    );
  }

  /** Returns what has to see the body of an answer; null where nothing can be in it. */
  look(status: number): HostCheckLook | null {
    if (status !== 403 && status !== 400) return null;
    const possible = [...this.#untold].filter((refusal) => refusal.status === status);
    if (possible.length === 0) return null;
    return new HostCheckLook(possible, (refusal) => {
      if (this.#untold.delete(refusal)) this.#onRefused(refusal.advice);
    });
  }
}

/** Looks at the beginning of one body as it passes, and keeps none of it. */
export class HostCheckLook {
  readonly #possible: readonly Refusal[];
  readonly #onFound: (refusal: Refusal) => void;
  #left = MAX_LOOKED_AT;
  #overlap = "";

  constructor(possible: readonly Refusal[], onFound: (refusal: Refusal) => void) {
    this.#possible = possible;
    this.#onFound = onFound;
  }

  /** Sees the next bytes of the body. */
  see(bytes: Uint8Array): void {
    if (this.#left === 0) return;
    const seen = bytes.subarray(0, this.#left);
    this.#left -= seen.length;
    const text = this.#overlap + decoder.decode(seen);
    this.#overlap = text.slice(-MAX_OVERLAP);
    const found = this.#possible.find(({ sign }) => text.includes(sign));
    if (found === undefined) return;
    this.#left = 0;
    this.#onFound(found);
  }
}
