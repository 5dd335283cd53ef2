import { OptionError, optionValue, optionValues } from "../../cli/option_values.ts";
import { ProgramError } from "../../cli/program.ts";
import { quoted } from "../../cli/safe_text.ts";
import { CLIENT_FLAGS } from "../flags.ts";
import type { Handler, HandlerInfo } from "../services/handler/handler.ts";
import { withDestinations } from "../services/destinations/destination_service.ts";
import { HandlerService } from "../services/handler/handler_service.ts";
import { openService, type OpenServiceOptions } from "../services/open_service.ts";
import { rewriting } from "../services/rewriting/rewriting_service.ts";
import type { Service } from "../services/service.ts";
import {
  parseService,
  routedService,
  serviceName,
  type ServiceSpec,
} from "../services/service_spec.ts";
import { PublishedTunnel } from "./published_tunnel.ts";
import type { Tunnel } from "./tunnel.ts";
import { type ReadTunnelOptions, readTunnelOptions } from "./read_tunnel_options.ts";
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
  checkOrder(options);
  const ask = handlerOf(handler);
  const read = await readTunnelOptions(options);
  const tunnel = new PublishedTunnel(read);
  const service = new HandlerService(
    (request, info) => ask(request, Object.assign(info, { tunnel })),
    { onError: (error) => tunnel.report(error) },
  );
  return await tunnel.open(behindOptions(service, read, tunnel), "");
}

/** How a local service is published. */
export interface ForwardOptions extends TunnelOptions {
  /** What the service gets as Host: a name, or `"rewrite"` for its own. @default the public host */
  readonly hostHeader?: string | null;
  /** Lists what is in folders without an `index.html`, where a folder is published. @default false */
  readonly list?: boolean;
  /** Shows the `index.html` of a folder that is published for pages that are not there. @default false */
  readonly spa?: boolean;
  /** Gives services for paths what stands behind their path, which is in `X-Forwarded-Prefix`. @default false */
  readonly strip?: boolean;
}

/**
 * A local service, as `tunnel-client` takes it: a port of this machine, or a word such as `host:3000`, `http://host:3000`,
 * `https://host:8443`, `unix:/run/app.sock`, `./folder`, `status:503` or `redirect:https://example.com{path}`.
 */
export type LocalService = number | string;

/** Services for paths and all that is below them: the longest path that fits decides, and `/` is for all others. */
export type LocalRoutes = Readonly<Record<`/${string}`, LocalService>>;

/**
 * Publishes a local service, or several for paths, as `tunnel-client` does.
 *
 * @example An app of Node's
 * ```ts
 * const tunnel = await forward({ server: "tunnel.example.com" }, 3000);
 * ```
 *
 * @example A site in a folder with an API beside it
 * ```ts
 * const options = { server: "tunnel.example.com", spa: true };
 * const tunnel = await forward(options, { "/api": 4000, "/": "./dist" });
 * ```
 *
 * @returns the tunnel, once a first server has taken it.
 * @throws {OptionError} for an option that is wrong, and for a service that cannot be one.
 * @throws {TunnelError} when no server could be reached in time, or one has refused the tunnel for good.
 */
export async function forward(
  options: ForwardOptions,
  service: LocalService | LocalRoutes,
): Promise<Tunnel> {
  checkOrder(options);
  const { hostHeader, list, spa, strip, ...others } = options;
  const values = optionValues(SERVICE_FLAGS, { hostHeader, list, spa, strip });
  const spec = isOne(service) ? specOf(service) : routesOf(service, values.strip);
  const read = await readTunnelOptions(others);
  const tunnel = new PublishedTunnel(read);
  const local = openedService(spec, {
    ...values,
    trust: read.destinations.trust,
    onTrouble: (sentence) => tunnel.notify(sentence),
    onHostRefused: (advice) => tunnel.notify(advice(new URL(tunnel.url))),
  });
  return await tunnel.open(behindOptions(local, read, tunnel), serviceName(spec));
}

/** Puts what the options change and allow in front of a service. */
function behindOptions(
  service: Service,
  { rewriting: changes, destinations }: ReadTunnelOptions,
  tunnel: PublishedTunnel,
): Service {
  const onTrouble = (sentence: string): void => tunnel.notify(sentence);
  return rewriting(withDestinations(service, { ...destinations, onTrouble }), changes);
}

/** The options of local services that are what their flags are. */
const SERVICE_FLAGS = {
  hostHeader: CLIENT_FLAGS.hostHeader,
  list: CLIENT_FLAGS.list,
  spa: CLIENT_FLAGS.spa,
  strip: CLIENT_FLAGS.strip,
};

/** @throws {OptionError} where what is published comes before the options, as with other libraries. */
function checkOrder(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  const example = "serve({ server }, handler) or forward({ server }, 3000)";
  throw new OptionError("server", `is needed: the options come first, as in ${example}`);
}

function handlerOf(handler: TunnelHandler | HandlerObject): TunnelHandler {
  // An app of Express is a function too, of Node's requests and answers.
  if (Object(handler) === handler && "listen" in handler && !("fetch" in handler)) {
    throw new OptionError("handler", `cannot be what listens by itself: ${GIVE_PORT}`);
  }
  if (typeof handler === "function") return handler;
  if (typeof handler === "object" && typeof handler?.fetch === "function") {
    return (request, info) => handler.fetch(request, info);
  }
  throw new OptionError("handler", "must be a function, or an object with a function fetch");
}

/** What to do with a server or an app of Node's. */
const GIVE_PORT = "let it listen, and give its port to forward()";

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

function isOne(service: LocalService | LocalRoutes): service is LocalService {
  return typeof service === "string" || typeof service === "number";
}

function routesOf(services: LocalRoutes, strip: boolean): ServiceSpec {
  if (typeof services !== "object" || services === null) {
    const expected = "is needed behind the options: a port such as 3000, or a word such as ./dist";
    throw new OptionError("service", expected);
  }
  if (!Object.values(services).every(isOne)) {
    const expected = "must be a port, a word such as ./dist, or an object of these by paths";
    throw new OptionError("service", `${expected}; where it is a server, ${GIVE_PORT}`);
  }
  const texts = Object.entries(services).map(([path, service]) => `${path}=${service}`);
  const routes = optionValue("service", CLIENT_FLAGS.route, texts);
  try {
    return routedService(routes, strip);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OptionError("service", `cannot be these routes: ${cause.message}`, { cause });
  }
}

function specOf(service: LocalService): ServiceSpec {
  try {
    return parseService(String(service));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OptionError("service", `${cause.message}, not ${quoted(String(service))}`, { cause });
  }
}
