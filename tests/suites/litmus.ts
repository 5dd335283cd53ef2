import { CERTIFICATE } from "../testing/certificate.ts";
import { Program } from "../testing/program.ts";
import { startServer } from "../testing/tunnel.ts";
import { WebDAVOrigin } from "../testing/webdav_origin.ts";
import { findTool, runTool, type SuiteReport } from "./tool.ts";

const LITMUS = { names: ["litmus"], install: "apt-get install litmus" };
const NGINX = { names: ["nginx"], install: "apt-get install nginx" };

/** nginx' module for PROPFIND and LOCK, where Debian's `libnginx-mod-http-dav-ext` has it. */
const EXTENSION = Deno.env.get("NGINX_DAV_EXT") ??
  "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";

/** Seconds for all programs of litmus. */
const LIMIT = 120;

/** What litmus says of a test. */
type Results = ReadonlyMap<string, string>;

/** Runs litmus against nginx' WebDAV, directly and through a tunnel: what the service fails is not the tunnel's fault. */
export async function litmus(): Promise<SuiteReport> {
  const tool = await findTool(LITMUS);
  await findTool(NGINX);
  const hasExtension = await Deno.stat(EXTENSION).then(({ isFile }) => isFile, () => false);
  await using origin = await WebDAVOrigin.start(hasExtension ? { extension: EXTENSION } : {});
  const direct = await results(tool, `http://127.0.0.1:${origin.port}/`);
  const lines = [
    hasExtension ? `with ${EXTENSION}` : `without PROPFIND and LOCK: there is no ${EXTENSION}`,
    summary("directly", direct),
  ];
  const faults: string[] = [];
  const { certFile, keyFile } = CERTIFICATE;
  for (const scheme of ["http", "https"] as const) {
    const tls = scheme === "https" ? ["--tls-cert", certFile, "--tls-key", keyFile] : [];
    await using server = await startServer(["--fixed", ...tls]);
    await using _client = await Program.start(
      "client.ts",
      ["--server", server.url.origin, `http://127.0.0.1:${origin.port}`],
      { env: { DENO_CERT: certFile } },
    );
    const tunneled = await results(tool, `${server.url.origin}/`);
    lines.push(summary(scheme, tunneled));
    for (const [test, result] of direct) {
      const now = tunneled.get(test) ?? "not run";
      if (now === result) continue;
      if (scheme === "https" && dependsOnScheme(test)) lines.push(`  ${test}: ${now}`);
      else faults.push(`${scheme}: ${test}: ${now}, directly ${result}`);
    }
  }
  return { lines, faults };
}

/**
 * Whether a test cannot be the same behind TLS: Destination says https then, which nginx takes for another server, since
 * it is asked over http itself (RFC 4918 section 10.3); and litmus leaves one test out over TLS.
 */
function dependsOnScheme(test: string): boolean {
  return test.startsWith("copymove ") || test.endsWith(" propmove") || test.endsWith(" expect100");
}

function summary(where: string, found: Results): string {
  const passed = [...found.values()].filter((result) => result === "pass").length;
  return `${where}: ${passed} of ${found.size} tests passed`;
}

/** Runs all programs of litmus and returns the result of each test that was run. */
async function results(tool: string, url: string): Promise<Results> {
  const folder = await Deno.makeTempDir();
  try {
    const { output } = await runTool(tool, ["--keep-going", url], { cwd: folder, limit: LIMIT });
    const found = new Map<string, string>();
    let program = "";
    let test = "";
    // It writes each line again once it knows more.
    for (const line of output.split(/[\r\n]/)) {
      program = /running `(\w+)'/.exec(line)?.[1] ?? program;
      test = /^\s*(\d+\. \w+)\./.exec(line)?.[1] ?? test;
      const [, result = "", reason = ""] = /\.\. (pass|FAIL|SKIPPED)(.*)/.exec(line) ?? [];
      if (result === "") continue;
      // Of the reason the status alone is compared: Deno writes phrases of its own.
      const status = /\b[1-5]\d\d\b/.exec(reason)?.[0];
      found.set(`${program} ${test}`, status === undefined ? result : `${result} (${status})`);
    }
    if (found.size === 0) throw new Error(`litmus has run nothing: ${output.slice(-2_000)}`);
    return found;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
