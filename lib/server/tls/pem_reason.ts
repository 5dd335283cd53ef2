/** Says why Deno takes no certificate and key that were read from files; null for an error of another kind. */
export function pemReason(error: unknown): string | null {
  const message = error instanceof Error ? error.message : "";
  for (const [pattern, reason] of REASONS) if (pattern.test(message)) return reason;
  // Deno finds such data in PEM files alone.
  return error instanceof Deno.errors.InvalidData ? message : null;
}

const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/Both 'cert' and 'key'/, "one of the files is empty"],
  [/No certificates found/, "the first has no certificate in PEM"],
  [/No keys found/, "the second has no private key in PEM, or an encrypted one"],
  [/KeyMismatch/, "the key is not the certificate's"],
  [/parse private key/, "the key cannot be read as an RSA, ECDSA or Ed25519 key"],
  [/BadEncoding|decode certificate/, "the certificate cannot be read"],
  [/decode key/, "the key cannot be read"],
];
