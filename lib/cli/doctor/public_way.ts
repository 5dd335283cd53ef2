import type { HTTPProxy } from "../../net/http_proxy.ts";
import type { Probes } from "./probes.ts";

/** The way that a doctor's visitors take. */
export interface Way {
  /** The public URL. */
  readonly url: URL;
  /** The proxy that leads out; null for none. */
  readonly proxy: HTTPProxy | null;
  /** Authorities in PEM that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
}

/** A way, and what answers at its other end. */
export interface PublicWay {
  readonly way: Way;
  readonly probes: Probes;
  /** Milliseconds to wait for what should come at once, before it is taken for held back. @default PATIENCE */
  readonly patience?: number;
}

/** Milliseconds in which what is passed on as it comes is there, over any network and on any machine. */
export const PATIENCE = 10_000;
