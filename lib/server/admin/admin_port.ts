import { parseAuthority, withoutBrackets } from "../../net/authority.ts";
import { AddressSet } from "../../net/address_set.ts";
import type { Listen, Listener, ListenerOptions } from "../listen/listener.ts";
import type { Answer, Visit, VisitHandler } from "../listen/visit.ts";
import { refusalAnswer } from "../proxy/error_page.ts";
import { pathOf } from "../../http/target.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import type { OwnPages } from "./own_pages.ts";

/** The address of the port for operators: who reaches it sits at this machine. */
const ADDRESS = "127.0.0.1";

/** Listens for operators on this machine. @throws {ListenError} when that cannot be. */
export function openAdminPort(
  { listen, port, reusePort, handler, log }:
    & Pick<ListenerOptions, "port" | "reusePort" | "handler" | "log">
    & { readonly listen: Listen },
): Listener {
  const listening = { hostname: ADDRESS, port, reusePort, tls: null, observers: [] };
  const listener = listen({ ...listening, handler, log });
  log.info("operators have a port of their own", { address: ADDRESS, port: listener.port });
  return listener;
}

/** Answers what comes by the port for operators, of which nothing is a tunnel's. */
export class AdminPort implements VisitHandler {
  readonly #pages: OwnPages;
  readonly failed: VisitHandler["failed"];

  constructor(pages: OwnPages, failed: VisitHandler["failed"]) {
    this.#pages = pages;
    this.failed = failed;
  }

  handle(visit: Visit): Answer | Promise<Answer> {
    visit.address = visit.peer.hostname;
    // A page of a stranger in a browser on this machine could have its own name lead here (DNS rebinding).
    const name = parseAuthority(visit.host ?? visit.authority)?.name ?? "";
    if (name !== "localhost" && !LOOPBACK.has(withoutBrackets(name))) {
      return refusalAnswer(visit, NOT_LOCAL);
    }
    return this.#pages.respond(visit, pathOf(visit.target), "operators");
  }
}

const LOOPBACK = AddressSet.parse("loopback");

const NOT_LOCAL: VisitRefusal = {
  code: "page",
  status: 403,
  reason: "this port answers by the names of this machine alone, such as localhost",
};
