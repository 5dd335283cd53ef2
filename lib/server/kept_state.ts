import type { Log } from "../cli/log.ts";
import { type ClientToken, clientToken } from "./access/client_token.ts";
import { DenyList } from "./access/deny_list.ts";
import { makesToken, type ServerOptions } from "./options.ts";
import { StateError, StateFolder } from "./state_folder.ts";

/** What of a server outlives it. */
export interface KeptState {
  /** null for a server that keeps nothing. */
  readonly folder: StateFolder | null;
  /** The token that it has made; null where it needs none, or was given one. */
  readonly made: ClientToken | null;
  readonly denyList: DenyList;
}

/** Opens what a server with these options keeps. @throws {StateError} when what it cannot do without cannot be had. */
export async function openState(options: ServerOptions, log: Log): Promise<KeptState> {
  const makes = makesToken(options);
  const mustKeep = makes || options.acme !== null;
  if (!mustKeep && options.adminToken === null) return NOTHING;
  const folder = await openFolder(options, { mustKeep, log });
  if (folder === null) return NOTHING;
  return {
    folder,
    made: makes ? await clientToken(folder) : null,
    denyList: await DenyList.open(folder),
  };
}

const NOTHING: KeptState = { folder: null, made: null, denyList: DenyList.inMemory() };

async function openFolder(
  options: ServerOptions,
  { mustKeep, log }: { readonly mustKeep: boolean; readonly log: Log },
): Promise<StateFolder | null> {
  if (options.state === null) return null;
  try {
    return await StateFolder.open(options.state);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    if (mustKeep) {
      const advice = ", or whom to let in with --token, --authorized-keys or --open";
      throw makesToken(options)
        ? new StateError(`${error.message}${advice}`, { cause: error })
        : error;
    }
    // A server whose operator never bans anybody needs no folder.
    log.info("bans end with this process", { reason: error.message });
    return null;
  }
}
