/**
 * Runs a tunnel server in this process, as `tunnel-server` does in its own.
 *
 * @example A server for a test
 * ```ts
 * import { TunnelServer } from "@tunnel/tunnel/server";
 *
 * await using server = new TunnelServer({ port: 0 });
 * console.log(server.url);
 * ```
 *
 * @module
 */

export { TunnelServer } from "./tunnel_server.ts";
export type { TunnelServerOptions } from "./tunnel_server_options.ts";
export { type ListenerKind, ListenError } from "./listen/listener.ts";
export { OptionError } from "../cli/option_values.ts";
export { Log, type LogFields, type LogLevel, type LogOptions } from "../cli/log.ts";
export { AuthorizedKeys, AuthorizedKeysError } from "./access/authorized_keys.ts";
export type { Rate } from "../cli/flags.ts";
export type { KeyLimits } from "./access/key_settings.ts";
export { DenyList, DenyListError, type Merging, type Suspect } from "./access/deny_list.ts";
export type { BanRecord, BanRecords } from "./access/ban_records.ts";
export type { Ban, Banned } from "./admin/operator_view.ts";
export type { Certificate } from "./tls/certificate_source.ts";
export { BusError } from "./bus/bus.ts";
export type { Bus, MessageHandler, NameAnswer, NameClaim, NodeRecord } from "./bus/bus.ts";
export type { StreamIds } from "../mux/stream_table.ts";
export { AddressSet } from "../net/address_set.ts";
