import { assertEquals, assertRejects } from "@std/assert";
import { Log } from "../../../lib/cli/log.ts";
import { type Certificate, CertificateError } from "../../../lib/server/tls/certificate_source.ts";
import { PEMFiles } from "../../../lib/server/tls/pem_files.ts";
import { CERTIFICATE, readCertificate } from "../../testing/certificate.ts";
import { eventually } from "../../testing/eventually.ts";
import { SILENT } from "../../testing/listening.ts";
import { RenewableCertificate } from "../../testing/renewable_certificate.ts";

Deno.test("PEMFiles.load gives the texts of both files, and names the one that is missing", async () => {
  const { certFile, keyFile } = CERTIFICATE;
  const { cert, key } = await new PEMFiles({ certFile, keyFile, log: SILENT }).load();
  assertEquals([cert, key], [readCertificate(), await Deno.readTextFile(keyFile)]);
  const missing = new PEMFiles({ certFile, keyFile: `${keyFile}.none`, log: SILENT });
  const { message } = await assertRejects(() => missing.load(), CertificateError);
  assertEquals(message, `cannot read ${keyFile}.none: there is no such file`);
});

Deno.test({
  name: "PEMFiles.watch gives what is in the files at each SIGHUP, until it is told to stop",
  // Windows has no SIGHUP.
  ignore: Deno.build.os === "windows",
}, async () => {
  await using certificate = await RenewableCertificate.make();
  const lines: string[] = [];
  const log = new Log({ format: "text", level: "info", write: (line) => lines.push(line) });
  const files = new PEMFiles({ certFile: certificate.file, keyFile: CERTIFICATE.keyFile, log });
  const renewed: Certificate[] = [];
  const stopping = new AbortController();
  // Without another listener the last signal would end the tests.
  let heard = 0;
  const hear = () => void heard++;
  Deno.addSignalListener("SIGHUP", hear);
  try {
    files.watch((certificate) => {
      renewed.push(certificate);
      return renewed.length === 2 ? Promise.reject(new Error("not good")) : Promise.resolve();
    }, stopping.signal);
    await certificate.renew();
    Deno.kill(Deno.pid, "SIGHUP");
    await eventually("the renewal", () => lines.length === 1);
    assertEquals(renewed[0]?.cert, certificate.renewed);
    Deno.kill(Deno.pid, "SIGHUP");
    await eventually("a certificate that is not good", () => lines.length === 2);
    await Deno.remove(certificate.file);
    Deno.kill(Deno.pid, "SIGHUP");
    await eventually("a file that is missing", () => lines.length === 3);
    stopping.abort();
    Deno.kill(Deno.pid, "SIGHUP");
    await eventually("the last signal", () => heard === 4);
  } finally {
    Deno.removeSignalListener("SIGHUP", hear);
  }
  assertEquals(renewed.length, 2);
  assertEquals(lines.map((line) => line.replace(/^.*(the .*certificate.*?) {2}.*$/, "$1")), [
    "the certificate was read again",
    "the old certificate stays",
    "the old certificate stays",
  ]);
});
