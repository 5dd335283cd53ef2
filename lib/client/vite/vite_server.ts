// What is used of Vite, from version 5 on, written out: its own types would make it a dependency of everybody.

/** The configuration that Vite has made of the user's. */
export interface ViteConfig {
  /** The folder of what may be lost. */
  readonly cacheDir: string;
  /** The path under which the app is served. */
  readonly base: string;
  /** What Vite was started for, such as `development` or Vitest's `test`. */
  readonly mode: string;
  /** Writes among Vite's own lines. */
  readonly logger: ViteLogger;
  /** Of the development server. */
  readonly server: ViteListening;
  /** Of the server of `vite preview`. */
  readonly preview: ViteListening;
}

/** Writes a line. */
export interface ViteLogger {
  /** Writes what is to be known. */
  info(line: string): void;
  /** Writes what may be wrong. */
  warn(line: string): void;
  /** Writes what is wrong. */
  error(line: string): void;
}

/** How one of Vite's servers listens. */
export interface ViteListening {
  /** The hosts that it answers for, beside those of this machine; `true` for all. */
  allowedHosts?: string[] | true;
  /** Set where it speaks TLS. */
  readonly https?: unknown;
}

/** One of Vite's servers. */
export interface ViteServer {
  /** What listens; null where another program does, in Vite's middleware mode. */
  readonly httpServer: ViteHTTPServer | null;
  /** The configuration that it was made with. */
  readonly config: ViteConfig;
  /** Shows where the app is. */
  printUrls(): void;
}

/** A server of `node:http`. */
export interface ViteHTTPServer {
  /** Calls a listener once. */
  once(event: "listening" | "close", listener: () => void): unknown;
  /** Where it listens. */
  address(): string | { readonly address: string; readonly port: number } | null;
}
