/** Why a registration was refused; the texts are part of the protocol. */
export const REFUSAL_CODES = [
  "malformed",
  "unsupported_algorithm",
  "bad_key",
  "bad_signature",
  "wrong_audience",
  "wrong_nonce",
  "bad_label",
  "bad_token",
  "not_authorized",
  "bad_name",
  "name_taken",
  "bad_policy",
  "hostname_taken",
  "timeout",
  "try_again",
] as const;

export type RefusalCode = typeof REFUSAL_CODES[number];

/** A registration that is refused: with a permanent refusal the client gives up, else it tries again. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly permanent: boolean = true,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
