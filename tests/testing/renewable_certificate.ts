import { CERTIFICATE, RENEWED_CERTIFICATE } from "./certificate.ts";
import { TempDir } from "./temp_dir.ts";

/** A server's certificate in a file of its own, which can be replaced by another one with the same key. */
export class RenewableCertificate implements AsyncDisposable {
  /** What is in the file at first, and once it is renewed. */
  readonly first: string;
  readonly renewed: string;
  readonly file: string;
  /** The environment of a program that trusts either. */
  readonly trusting: { readonly DENO_CERT: string };
  readonly #folder: TempDir;

  private constructor(folder: TempDir, first: string, renewed: string) {
    this.#folder = folder;
    this.first = first;
    this.renewed = renewed;
    this.file = `${folder.path}/cert.pem`;
    this.trusting = { DENO_CERT: `${folder.path}/trusted.pem` };
  }

  static async make(): Promise<RenewableCertificate> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const first = await Deno.readTextFile(CERTIFICATE.certFile);
    const renewed = await Deno.readTextFile(RENEWED_CERTIFICATE);
    const made = new RenewableCertificate(folder, first, renewed);
    await Deno.writeTextFile(made.file, first);
    await Deno.writeTextFile(made.trusting.DENO_CERT, first + renewed);
    started.move();
    return made;
  }

  /** The flags of a server that has it. */
  get serverArgs(): readonly string[] {
    return ["--tls-cert", this.file, "--tls-key", CERTIFICATE.keyFile];
  }

  /** Replaces it; a server must be told to read it again. */
  async renew(): Promise<void> {
    await Deno.writeTextFile(this.file, this.renewed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}
