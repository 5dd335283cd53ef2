/** One proof that a name is the account's, as every kind of challenge needs it. */
export interface Proof {
  /** The name, without `*.`. */
  readonly name: string;
  readonly token: string;
  /** What HTTP-01 answers with (RFC 8555 section 8.3). */
  readonly keyAuthorization: string;
  /** What DNS-01 has in a TXT record of `_acme-challenge.<name>` (RFC 8555 section 8.4). */
  readonly text: string;
}

/** Shows proofs where an authority looks for them. */
export interface ChallengeAnswers {
  readonly type: "dns-01" | "http-01";
  /** Shows a proof. @throws {Error} when it cannot, with a reason for the operator. */
  show(proof: Proof): Promise<void>;
  /** Takes a proof away again; does not throw. */
  hide(proof: Proof): Promise<void>;
  /** Waits until the proofs can be seen from outside, as far as that can be told, and not for ever. */
  seen(proofs: readonly Proof[], signal: AbortSignal): Promise<void>;
  /** Says what to set right when the authority did not find the proofs. */
  readonly advice: string;
}
