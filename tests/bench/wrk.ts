import type { Load, LoadOptions, Target } from "./load.ts";

let found: Promise<boolean> | undefined;

/** Tells whether wrk is on the PATH. */
export function hasWrk(): Promise<boolean> {
  return found ??= findWrk();
}

async function findWrk(): Promise<boolean> {
  try {
    await new Deno.Command("wrk", { args: ["-v"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

/** A wait that is shorter belongs into p99: a busy machine makes a thousand visitors wait for seconds. */
const TIMEOUT = "15s";

/** Runs wrk with one thread, so that the second core stays with what is measured. @throws {Error} when a request failed. */
export async function wrkLoad(
  { port, host, path }: Target,
  { connections, seconds }: LoadOptions,
): Promise<Load> {
  const { stdout, stderr } = await new Deno.Command("wrk", {
    args: [
      ...["-t", "1", "-c", `${connections}`, "-d", `${seconds}s`, "--timeout", TIMEOUT],
      ...["-s", new URL("wrk.lua", import.meta.url).pathname, "-H", `Host: ${host}`],
      `http://127.0.0.1:${port}${path}`,
    ],
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  const values = /^result (\S+) (\S+) (\S+) (\S+) (\S+)$/m.exec(text)?.slice(1).map(Number);
  const [requests = 0, micros = 0, p50 = 0, p99 = 0, failures = 0] = values ?? [];
  if (requests === 0) throw new Error(`wrk measured nothing: ${decoder.decode(stderr) || text}`);
  if (failures > 0) throw new Error(`${failures} of ${requests} requests for ${path} failed`);
  return { requests, seconds: micros / 1e6, p50: p50 / 1000, p99: p99 / 1000 };
}
