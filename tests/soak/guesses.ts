import { startServer, startTunnel } from "../testing/tunnel.ts";
import { authorization } from "../testing/password.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { inSeconds, judged, type Outcome } from "./fault.ts";
import { MarkedOrigin } from "./marked_origin.ts";
import { descriptors, inMegabytes, restingMemory } from "./process_state.ts";
import { untilHolds } from "./recovery.ts";

/** Tunnels at which one visitor guesses, and the connections to each. */
const TUNNELS = 5;
const CONNECTIONS = 60;
/** Seconds for which it does. */
const GUESSING = 10;

/** Guesses at the passwords of some tunnels while somebody logs in at another one. */
export async function guesses(): Promise<Outcome> {
  await using owned = new AsyncDisposableStack();
  const origin = owned.use(MarkedOrigin.start());
  const server = owned.use(await startServer(["--trust-proxy", "loopback"]));
  const port = Number(server.url.port);
  const clientArgs = ["--basic-auth", "ann:secret"];
  const guessed: string[] = [];
  for (let i = 0; i < TUNNELS; i++) {
    const tunnel = owned.use(await startTunnel({ origin, server, clientArgs }));
    guessed.push(tunnel.host);
  }
  const other = owned.use(await startTunnel({ origin, server, clientArgs }));
  const [before, resting] = [await descriptors(server), await restingMemory(server)];
  const end = performance.now() + GUESSING * 1000;
  const statuses = new Map<number, number>();
  const guessing = guessed.flatMap((host) =>
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      using visitor = await RawHTTP.open(port);
      for (let guess = 0; performance.now() < end; guess++) {
        const password = `ann:wrong ${i} ${guess}`;
        const { status } = await visitor.exchange(request(host, password, "198.51.100.1"));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    })
  );
  const begun = performance.now();
  using visitor = await RawHTTP.open(port);
  const { status } = await visitor.exchange(request(other.host, "ann:secret", "203.0.113.9"));
  const login = performance.now() - begun;
  await Promise.all(guessing);
  const grown = await restingMemory(server) - resting;
  const back = await untilHolds(
    "the descriptors of before",
    async () => await descriptors(server) <= before + 2,
  );
  const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  return judged(
    status !== 401 && status !== 429,
    `the guesses got ${answers}; the login elsewhere got ${status} after ${inSeconds(login)}; ` +
      `grown by ${inMegabytes(grown)}, the descriptors of before after ${inSeconds(back)}`,
  );
}

function request(host: string, credentials: string, address: string): string {
  const [name, value] = authorization(credentials);
  return `GET / HTTP/1.1\r\nHost: ${host}\r\n${name}: ${value}\r\nX-Forwarded-For: ${address}\r\n\r\n`;
}
