import type { Field } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import { percentEncoded } from "../../http/octets.ts";
import { isPlain, plainPath, servicePath } from "./plain_path.ts";
import type { Incoming, Service } from "./service.ts";
import { textAnswer } from "./text_answer.ts";

/** What answers for a path and all below it. */
export interface Route {
  /** Without a slash at its end; empty for every path. */
  readonly prefix: string;
  readonly service: Service;
  /** Whether the service gets the path without the prefix, which it finds in X-Forwarded-Prefix. */
  readonly isStripped: boolean;
}

/** Gives each exchange, WebSockets included, to the service of the longest path that it is below. */
export class Routes implements Service {
  readonly #routes: readonly Route[];
  /** By the first name of their paths, the longest first; most services have one route under each. */
  readonly #byName: ReadonlyMap<string, readonly Route[]>;
  /** What all other paths go to; null for nothing. */
  readonly #others: Route | null;

  constructor(routes: readonly Route[]) {
    this.#routes = routes;
    const named = routes.filter(({ prefix }) => prefix !== "");
    this.#byName = Map.groupBy(
      named.toSorted((a, b) => b.prefix.length - a.prefix.length),
      ({ prefix }) => firstName(prefix),
    );
    this.#others = routes.find(({ prefix }) => prefix === "") ?? null;
  }

  serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const path = servicePath(head.target);
    const route = this.#find(path);
    if (!isPlain(path) && this.#find(plainPath(path)) !== route) {
      return textAnswer(incoming, head, {
        status: 400,
        sentence: "This path can be read in two ways.",
      });
    }
    if (route === null) {
      return textAnswer(incoming, head, {
        status: 404,
        sentence: "No service is published at this path.",
      });
    }
    const { prefix, service, isStripped } = route;
    if (!isStripped || prefix === "") return service.serve(incoming, head);
    if (path === prefix) {
      return textAnswer(incoming, head, {
        status: 307,
        sentence: "It is below.",
        fields: toSlash(head),
      });
    }
    return service.serve(incoming, stripped(head, prefix));
  }

  close(): void {
    for (const { service } of this.#routes) service.close();
  }

  #find(path: string): Route | null {
    for (const route of this.#byName.get(firstName(path)) ?? NONE) {
      const { prefix } = route;
      if (!path.startsWith(prefix)) continue;
      if (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH) return route;
    }
    return this.#others;
  }
}

const SLASH = 0x2f;
const NONE: readonly Route[] = [];

/** Returns a path as far as its second slash. */
function firstName(path: string): string {
  const end = path.indexOf("/", 1);
  return end === -1 ? path : path.slice(0, end);
}

const PREFIX_FIELD = "x-forwarded-prefix";

function stripped({ method, target, fields }: RequestHead, prefix: string): RequestHead {
  // One that a visitor sent would be believed.
  const others = fields.filter(([name]) => name !== PREFIX_FIELD);
  return {
    method,
    target: target.slice(prefix.length),
    fields: [...others, [PREFIX_FIELD, prefix]],
  };
}

/** Without the slash, links of what is below would lead beside it. */
function toSlash({ target }: RequestHead): readonly Field[] {
  const path = servicePath(target);
  const last = path.slice(path.lastIndexOf("/") + 1);
  return [["location", percentEncoded(`./${last}/${target.slice(path.length)}`)]];
}
