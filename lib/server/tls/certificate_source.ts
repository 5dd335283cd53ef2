/** The PEM texts of a certificate chain and its key. */
export interface Certificate {
  /** The chain, the server's own certificate first. */
  readonly cert: string;
  /** The private key of that certificate. */
  readonly key: string;
}

/** Where a server's certificate comes from, and those that follow it. */
export interface CertificateSource {
  /** Returns the certificate to begin with. @throws {CertificateError} when there is none. */
  load(): Promise<Certificate>;
  /**
   * Calls `onRenewed` with each certificate that takes the place of the one before, until `signal` aborts. One that it
   * rejects is not used: the one before stays.
   */
  watch(onRenewed: (certificate: Certificate) => Promise<void>, signal: AbortSignal): void;
}

/** Says why there is no certificate, in a sentence for the operator. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  readonly code = "NO_CERTIFICATE";
}
