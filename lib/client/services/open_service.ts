import type { Permission } from "../../cli/permissions.ts";
import { LocalHTTP, type LocalHTTPOptions } from "./local_http/local_http.ts";
import type { Service } from "./service.ts";
import type { ServiceSpec } from "./service_spec.ts";

/** How services are asked, whichever kind they are. */
export type OpenServiceOptions = Omit<LocalHTTPOptions, "origin">;

/** Makes what answers visitors of a word for a service. */
export function openService(spec: ServiceSpec, options: OpenServiceOptions): Service {
  return new LocalHTTP({ ...options, origin: spec });
}

/** Names what a service needs of Deno's permissions as long as it serves. */
export function permissionsFor(spec: ServiceSpec): readonly Permission[] {
  // To connect to a socket in the file system, Deno asks leave to read and to write it as well.
  return spec.kind === "unix" ? ["net", "read", "write"] : ["net"];
}
