/**
 * Ports that are given out: below those that systems choose for connections and for port 0, from 32768 or 49152 on, so
 * that nothing takes one by chance between here and the program that it is for.
 */
const FIRST = 20_000;
const COUNT = 12_768;

/** Ports that are tried: so many in use by others, one after the other, are no chance. */
const TRIES = 100;

/** Finds a port of this machine that nobody listens on, for a program that must be told one. */
export function freePort(): number {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = FIRST + (start + given++) % COUNT;
    if (isFree(port)) return port;
  }
  throw new Error(`no port of ${TRIES} is free`);
}

/** Processes begin anywhere, lest they try the same ports, and never give one twice in a short time. */
const start = Math.floor(Math.random() * COUNT);
let given = 0;

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    // Windows keeps some for itself.
    const isTaken = error instanceof Deno.errors.AddrInUse ||
      error instanceof Deno.errors.PermissionDenied;
    if (!isTaken) throw error;
    return false;
  }
}
