import { OptionError, optionValue } from "../../cli/option_values.ts";
import { ProgramError } from "../../cli/program.ts";
import { quoted } from "../../cli/safe_text.ts";
import { CLIENT_FLAGS } from "../flags.ts";
import type { Handler, HandlerInfo } from "../services/handler/handler.ts";
import { HandlerService } from "../services/handler/handler_service.ts";
import { openService, type OpenServiceOptions } from "../services/open_service.ts";
import type { Service } from "../services/service.ts";
import { parseService, serviceName, type ServiceSpec } from "../services/service_spec.ts";
import { PublishedTunnel } from "./published_tunnel.ts";
import type { Tunnel } from "./tunnel.ts";
import { authoritiesOf, readTunnelOptions } from "./read_tunnel_options.ts";
import type { TunnelOptions } from "./tunnel_options.ts";

/** What a handler is told beside the request. */
export interface TunnelHandlerInfo extends HandlerInfo {
  /** The tunnel that the request came through. */
  readonly tunnel: Tunnel;
}

/** Answers the visitors of a tunnel. */
export type TunnelHandler = Handler<TunnelHandlerInfo>;

/** What has a handler in `fetch`: an app of Hono, a router, or what `deno serve` takes. */
export interface HandlerObject {
  /** Answers a request; the second argument is the {@linkcode TunnelHandlerInfo}. */
  fetch(request: Request, info: TunnelHandlerInfo): Response | Promise<Response>;
}

/**
 * Publishes a handler: visitors of the tunnel's URL are answered by it, without a port on this machine.
 *
 * What the handler throws becomes a 500 for its visitor and an `error` event of the tunnel.
 *
 * @example A page
 * ```ts
 * const tunnel = await serve({ server: "tunnel.example.com" }, () => new Response("hello"));
 * console.log(tunnel.url);
 * ```
 *
 * @returns the tunnel, once a first server has taken it.
 * @throws {OptionError} for an option that is wrong.
 * @throws {TunnelError} when no server could be reached in time, or one has refused the tunnel for good.
 */
export async function serve(
  options: TunnelOptions,
  handler: TunnelHandler | HandlerObject,
): Promise<Tunnel> {
  const ask = handlerOf(handler);
  const tunnel = new PublishedTunnel(await readTunnelOptions(options));
  const service = new HandlerService(
    (request, info) => ask(request, Object.assign(info, { tunnel })),
    { onError: (error) => tunnel.report(error) },
  );
  return await tunnel.open(service, "");
}

/** How a local service is published. */
export interface ForwardOptions extends TunnelOptions {
  /** What the service gets as Host: a name, or `"rewrite"` for its own. @default the public host */
  readonly hostHeader?: string | null;
  /** Certificates in PEM of authorities that are trusted for an `https://` service beside the usual ones. @default none */
  readonly originAuthorities?: string | readonly string[];
  /** Asks an `https://` service whatever its certificate says. @default false */
  readonly insecureOrigin?: boolean;
  /** Lists what is in folders without an `index.html`, where a folder is published. @default false */
  readonly list?: boolean;
  /** Shows the `index.html` of a folder that is published for pages that are not there. @default false */
  readonly spa?: boolean;
}

/**
 * Publishes a local service, as `tunnel-client` does: a port of this machine, or a word such as `host:3000`,
 * `http://host:3000`, `https://host:8443`, `unix:/run/app.sock` or `./folder`.
 *
 * @example An app of Node's
 * ```ts
 * const tunnel = await forward({ server: "tunnel.example.com" }, 3000);
 * ```
 *
 * @returns the tunnel, once a first server has taken it.
 * @throws {OptionError} for an option that is wrong, and for a service that cannot be one.
 * @throws {TunnelError} when no server could be reached in time, or one has refused the tunnel for good.
 */
export async function forward(options: ForwardOptions, service: number | string): Promise<Tunnel> {
  const { hostHeader, originAuthorities, insecureOrigin, list, spa, ...others } = options;
  const spec = specOf(service);
  const serviceOptions = {
    hostHeader: optionValue("hostHeader", CLIENT_FLAGS.hostHeader, hostHeader),
    list: optionValue("list", CLIENT_FLAGS.list, list),
    spa: optionValue("spa", CLIENT_FLAGS.spa, spa),
    trust: {
      authorities: authoritiesOf("originAuthorities", originAuthorities),
      isInsecure: optionValue("insecureOrigin", CLIENT_FLAGS.insecureOrigin, insecureOrigin),
    },
  };
  const tunnel = new PublishedTunnel(await readTunnelOptions(others));
  const local = openedService(spec, {
    ...serviceOptions,
    onTrouble: (sentence) => tunnel.notify(sentence),
    onHostRefused: (advice) => tunnel.notify(advice(new URL(tunnel.url))),
  });
  return await tunnel.open(local, serviceName(spec));
}

function handlerOf(handler: TunnelHandler | HandlerObject): TunnelHandler {
  if (typeof handler === "function") return handler;
  if (typeof handler === "object" && typeof handler?.fetch === "function") {
    return (request, info) => handler.fetch(request, info);
  }
  throw new OptionError("handler", "must be a function, or an object with a function fetch");
}

function openedService(spec: ServiceSpec, options: OpenServiceOptions): Service {
  try {
    return openService(spec, options);
  } catch (cause) {
    if (!(cause instanceof ProgramError)) throw cause;
    throw new OptionError("service", `must be one that can be published: ${cause.message}`, {
      cause,
    });
  }
}

function specOf(service: number | string): ServiceSpec {
  try {
    return parseService(String(service));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OptionError("service", `${cause.message}, not ${quoted(String(service))}`, { cause });
  }
}
