import type { Probes } from "../../cli/doctor/probes.ts";
import { targetURI } from "../listen/target_uri.ts";
import type { Certificate } from "../tls/certificate_source.ts";

export interface StandInOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls: Certificate | null;
  readonly probes: Probes;
}

/** Listens where the server will, so that a doctor sees what arrives there before the server is started. */
export class StandIn implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @throws one of `Deno.errors` when it cannot listen. */
  constructor({ hostname, port, tls, probes }: StandInOptions) {
    const handle = (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) =>
      probes.answer({
        request,
        target: targetURI(request.method, request.url).target,
        fields: [...request.headers],
        peer: info.remoteAddr.hostname,
        upgrade: (protocol) => Deno.upgradeWebSocket(request, { protocol }),
      });
    const place = { hostname, port, onListen() {} };
    this.#server = tls === null
      ? Deno.serve(place, handle)
      : Deno.serve({ ...place, ...tls }, handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
