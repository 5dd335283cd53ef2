import type { Permission } from "../../cli/runtime.ts";
import { FixedAnswer } from "./fixed_answer.ts";
import { FolderService, type FolderServiceOptions } from "./folder/folder_service.ts";
import { LocalHTTP, type LocalHTTPOptions } from "./local_http/local_http.ts";
import { addressOf } from "./origin.ts";
import { Routes } from "./routes.ts";
import type { Service } from "./service.ts";
import type { ServiceSpec } from "./service_spec.ts";

/** How services answer, whichever kind they are. */
export type OpenServiceOptions =
  & Omit<LocalHTTPOptions, "origin" | "onUnreachable">
  & Pick<FolderServiceOptions, "list" | "spa">
  & {
    /** Hears each time that nothing takes a connection at an address. @default does nothing */
    readonly onUnreachable?: (address: string) => void;
  };

/** Makes what answers visitors of a word for a service. @throws {ProgramError} for a folder that is not there. */
export function openService(spec: ServiceSpec, options: OpenServiceOptions): Service {
  switch (spec.kind) {
    case "folder":
      return new FolderService({ ...options, path: spec.path });
    case "status":
      return FixedAnswer.status(spec.status);
    case "routes":
      return new Routes(
        spec.routes.map((route) => ({ ...route, service: openService(route.service, options) })),
      );
    case "redirect":
      return FixedAnswer.redirect(spec.to);
    default:
      return new LocalHTTP({
        ...options,
        origin: spec,
        onUnreachable: () => options.onUnreachable?.(addressOf(spec)),
      });
  }
}

/** Names what a service needs of Deno's permissions as long as it serves. */
export function permissionsFor(spec: ServiceSpec): readonly Permission[] {
  if (spec.kind === "routes") {
    return [...new Set(spec.routes.flatMap(({ service }) => permissionsFor(service)))];
  }
  // To connect to a socket in the file system, Deno asks leave to read and to write it as well.
  if (spec.kind === "unix") return ["net", "read", "write"];
  return spec.kind === "folder" ? ["net", "read"] : ["net"];
}
