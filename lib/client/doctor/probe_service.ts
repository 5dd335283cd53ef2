import type { Probes } from "../../cli/doctor/probes.ts";
import type { RequestHead } from "../../http/head.ts";
import { HandlerService } from "../services/handler/handler_service.ts";
import type { Incoming, Service } from "../services/service.ts";

/** Answers visitors with a doctor's probes, each of which sees the request's head as it came out of the tunnel. */
export class ProbeService implements Service {
  readonly #probes: Probes;

  constructor(probes: Probes) {
    this.#probes = probes;
  }

  serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const { target, fields } = head;
    const service = new HandlerService(
      (request, info) =>
        this.#probes.answer({
          ...{ request, target, fields, peer: null },
          upgrade: (protocol) => info.upgrade({ protocol }),
        }),
      // The visitor's end tells what has gone wrong.
      { onError() {} },
    );
    return service.serve(incoming, head);
  }

  close(): void {}
}
