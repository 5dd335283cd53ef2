import type { Log } from "../../cli/log.ts";
import { onReload } from "../../cli/program.ts";
import { systemReason } from "../../net/system_reason.ts";
import {
  type Certificate,
  CertificateError,
  type CertificateSource,
} from "./certificate_source.ts";
import { pemReason } from "./pem_reason.ts";

export interface PEMFilesOptions {
  /** The path of the file with the certificate chain. */
  readonly certFile: string;
  /** The path of the file with its key. */
  readonly keyFile: string;
  readonly log: Log;
}

/** Takes the certificate from two PEM files, and again at each SIGHUP. */
export class PEMFiles implements CertificateSource {
  readonly #options: PEMFilesOptions;

  constructor(options: PEMFilesOptions) {
    this.#options = options;
  }

  async load(): Promise<Certificate> {
    const { certFile, keyFile } = this.#options;
    return { cert: await read(certFile), key: await read(keyFile) };
  }

  watch(onRenewed: (certificate: Certificate) => Promise<void>, signal: AbortSignal): void {
    onReload(() => void this.#reload(onRenewed), signal);
  }

  async #reload(onRenewed: (certificate: Certificate) => Promise<void>): Promise<void> {
    const { certFile: file, log } = this.#options;
    try {
      await onRenewed(await this.load());
      log.info("the certificate was read again", { file });
    } catch (error) {
      const reason = pemReason(error) ?? systemReason(error);
      log.error("the old certificate stays", { file, reason });
    }
  }
}

async function read(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    throw new CertificateError(`cannot read ${file}: ${systemReason(cause)}`, { cause });
  }
}
