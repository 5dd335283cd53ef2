/**
 * Publishes HTTP handlers and local services through a tunnel server.
 *
 * @example
 * ```ts
 * import { serve } from "@tunnel/tunnel";
 *
 * const tunnel = await serve({ server: "tunnel.example.com" }, () => new Response("hello"));
 * console.log(tunnel.url);
 * ```
 *
 * @module
 */

export {
  forward,
  type ForwardOptions,
  type HandlerObject,
  type LocalRoutes,
  type LocalService,
  serve,
  type TunnelHandler,
  type TunnelHandlerInfo,
} from "./client/library/publish.ts";
export { type Tunnel, TunnelError } from "./client/library/tunnel.ts";
export type {
  BasicAuth,
  FieldValues,
  InspectorSettings,
  KeyPair,
  TunnelOptions,
} from "./client/library/tunnel_options.ts";
export {
  HandlerErrorEvent,
  NoticeEvent,
  OfflineEvent,
  OnlineEvent,
  RequestEvent,
  type ServedRequest,
  type TunnelEvent,
  type TunnelEventMap,
} from "./client/library/tunnel_events.ts";
export type {
  Handler,
  HandlerInfo,
  UpgradeOptions,
  VisitorAddress,
  WebSocketUpgrade,
} from "./client/services/handler/handler.ts";
export { upgradeWebSocket } from "./client/services/handler/upgrade_websocket.ts";
export type { Rate } from "./cli/flags.ts";
export { OptionError } from "./cli/option_values.ts";
export type { RefusedVisitors } from "./wire/notice.ts";
