const FOLDER = new URL("../testdata/tls/", import.meta.url);

/** A certificate for localhost, *.localhost and 127.0.0.1 that is its own authority, and nobody else's. */
export const CERTIFICATE = { certFile: pathOf("cert.pem"), keyFile: pathOf("key.pem") } as const;

/** Another certificate for the same names and key. */
export const RENEWED_CERTIFICATE = pathOf("renewed_cert.pem");

/** Returns the certificate's text, for who is to trust it. */
export function readCertificate(): string {
  return Deno.readTextFileSync(CERTIFICATE.certFile);
}

/** Returns the path of a file among the certificates of the tests. */
export function pathOf(name: string): string {
  return decodeURIComponent(new URL(name, FOLDER).pathname);
}
