import { ErrorCode, StreamError } from "../../wire/errors.ts";
import type { NodeLink } from "./node_link.ts";
import { withOpening } from "./node_opening.ts";
import type { OpenedStream } from "../../mux/stream.ts";
import { frameTypeOf, MovedError, type Opening, type Upstream } from "../tunnels/upstream.ts";

export interface RemoteUpstreamOptions {
  readonly hostname: string;
  /** A stream was opened. */
  readonly onOpen: () => void;
  /** The other node does not have the tunnel, or no longer has it. */
  readonly onMissing: () => void;
}

/** A tunnel on another node. */
export class RemoteUpstream implements Upstream {
  /** The node that has the tunnel knows. */
  readonly maxBody = null;
  /** An older node would not, and which one it is cannot be known. */
  readonly tellsContinue = false;
  readonly #link: NodeLink;
  readonly #options: RemoteUpstreamOptions;

  constructor(link: NodeLink, options: RemoteUpstreamOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** Admits everything: the node that has the tunnel decides, and answers what it refuses. */
  admit(): null {
    return null;
  }

  open({ kind, head, hasBody, visitor }: Opening): OpenedStream {
    const { hostname, onOpen } = this.#options;
    const opened = withOpening({ hostname, address: visitor }, head);
    if (!this.#link.session.usable) throw new MovedError("the link to the other node has ended");
    const stream = this.#link.session.open(frameTypeOf(kind), opened, !hasBody);
    onOpen();
    stream.head.translate = (error) => this.#explained(error);
    return stream;
  }

  #explained(error: Error): Error {
    if (!(error instanceof StreamError) || error.code !== ErrorCode.NotHere) return error;
    this.#options.onMissing();
    return new MovedError("the tunnel has left the other node", { cause: error });
  }
}
