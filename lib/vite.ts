/**
 * A plugin for Vite that publishes its development server through a tunnel server.
 *
 * @example vite.config.ts
 * ```ts
 * import { tunnel } from "@tunnel/tunnel/vite";
 *
 * export default { plugins: [tunnel({ server: "tunnel.example.com" })] };
 * ```
 *
 * @module
 */

export { tunnel, type TunnelPlugin, type TunnelPluginOptions } from "./client/vite/vite_plugin.ts";
export type {
  ViteConfig,
  ViteHTTPServer,
  ViteListening,
  ViteLogger,
  ViteServer,
} from "./client/vite/vite_server.ts";
export type {
  BasicAuth,
  InspectorSettings,
  KeyPair,
  TunnelOptions,
} from "./client/library/tunnel_options.ts";
