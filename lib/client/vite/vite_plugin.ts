import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OptionError } from "../../cli/option_values.ts";
import { thumbprintOf, tunnelId } from "../../identity/thumbprint.ts";
import { type ReadTunnelOptions, readTunnelOptions } from "../library/read_tunnel_options.ts";
import type { KeyPair, TunnelOptions } from "../library/tunnel_options.ts";
import { ServerTunnel } from "./server_tunnel.ts";
import type { ViteConfig, ViteListening, ViteServer } from "./vite_server.ts";

/** The options of a tunnel; Vite says when it is closed. */
export type TunnelPluginOptions = Omit<TunnelOptions, "signal">;

/** A plugin for Vite 5 and newer. */
export interface TunnelPlugin {
  /** What Vite calls it. */
  readonly name: string;
  /** Leaves builds alone. */
  readonly apply: "serve";
  /** Reads the options, and lets the tunnel's hosts in. */
  configResolved(config: ViteConfig): Promise<void>;
  /** Publishes the development server when it listens. */
  configureServer(server: ViteServer): void;
  /** Publishes the server of `vite preview` when it listens. */
  configurePreviewServer(server: ViteServer): void;
}

/**
 * Publishes Vite's development server, or that of `vite preview`, from when it listens until it is closed.
 *
 * The options are those of `serve`, but that the key is a file in Vite's cache folder unless another one is named: the
 * address stays when Vite is started anew.
 *
 * @example vite.config.ts
 * ```ts
 * import { tunnel } from "@tunnel/tunnel/vite";
 *
 * export default { plugins: [tunnel({ server: "tunnel.example.com" })] };
 * ```
 */
export function tunnel(options: TunnelPluginOptions): TunnelPlugin {
  let known: TunnelPluginOptions = options;
  const publish = (server: ViteServer, { https }: ViteListening): void => {
    if (server.httpServer === null) return tellNobodyListens(server);
    new ServerTunnel(server, { ...known, isSecure: Boolean(https) });
  };
  return {
    name: "tunnel",
    apply: "serve",
    async configResolved(config) {
      known = { ...options, key: await keyFor(options, config) };
      const hosts = await hostsOf(await readTunnelOptions(known));
      for (const listening of [config.server, config.preview]) letIn(listening, hosts);
    },
    configureServer: (server) => publish(server, server.config.server),
    configurePreviewServer: (server) => publish(server, server.config.preview),
  };
}

/** A program of its own listens for Vite, as Nuxt does; Vitest runs Vite as well, and has no visitors. */
function tellNobodyListens({ config: { mode, logger } }: ViteServer): void {
  if (mode === "test") return;
  logger.warn(
    "tunnel: there is no tunnel: another program listens for Vite (middleware mode). Publish its " +
      "port by tunnel-client, or by forward() in that program",
  );
}

/** Returns the key of all of a Vite's servers: it is needed before one listens, and again when it is started anew. */
async function keyFor(
  { key }: TunnelPluginOptions,
  { cacheDir }: ViteConfig,
): Promise<string | KeyPair> {
  if (key === "memory") return await (memoryKey ??= makeKey());
  if (key !== undefined) return key;
  const file = join(cacheDir, "tunnel", "key.pem");
  try {
    await mkdir(dirname(file), { recursive: true });
  } catch (cause) {
    throw new OptionError("key", `must be named: Vite's cache folder ${cacheDir} cannot be made`, {
      cause,
    });
  }
  return file;
}

/** Vite makes its plugins anew when its configuration changes, but not the modules that they come from. */
let memoryKey: Promise<CryptoKeyPair> | undefined;

async function makeKey(): Promise<CryptoKeyPair> {
  const key = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in key)) throw new TypeError("no key pair");
  return key;
}

/** Returns the hosts that visitors may ask for, as a server that has the name it is reached by gives them. */
async function hostsOf(
  { servers, key, label, name }: ReadTunnelOptions,
): Promise<readonly string[]> {
  const names = [await tunnelId(await thumbprintOf(key.publicKey), label), name ?? []].flat();
  return servers.flatMap((server) => {
    const { hostname } = new URL(server);
    return [hostname, ...names.map((name) => `${name}.${hostname}`)];
  });
}

/** Vite reads the list when it makes a server, before there is a tunnel that could be asked. */
function letIn(listening: ViteListening, hosts: readonly string[]): void {
  const { allowedHosts } = listening;
  if (Array.isArray(allowedHosts)) listening.allowedHosts = [...allowedHosts, ...hosts];
}
