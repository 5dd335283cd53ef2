import type { Ban, Banned, Reach, TunnelPage } from "../operator_view.ts";
import { missingText } from "../reach_text.ts";

/** What a page shows: the tunnels that were asked for, and all bans. */
export interface AdminView {
  readonly tunnels: TunnelPage;
  readonly bans: readonly Ban[];
}

/** Does something, and says what was done. */
export type Act = (what: () => Promise<string>) => Promise<void>;

/** Says why the server did not do what it was asked for, as a sentence. */
export class CallError extends Error {
  override readonly name = "CallError";
  constructor(readonly status: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Reads what is shown: so many tunnels that a text finds. @throws {CallError} */
export async function readView(
  { search, limit }: { readonly search: string; readonly limit: number },
): Promise<AdminView> {
  const query = new URLSearchParams({ search, limit: String(limit) });
  const [tunnels, { bans }] = await Promise.all([
    call<TunnelPage>(`/tunnels?${query}`),
    call<{ readonly bans: readonly Ban[] }>("/admin/bans"),
  ]);
  return { tunnels, bans };
}

/** Presents the operator's token, for which the server sets a cookie. @throws {CallError} */
export async function logIn(token: string): Promise<void> {
  await call("/admin/login", { token });
}

/** Gives the cookie back. @throws {CallError} */
export async function logOut(): Promise<void> {
  await call("/admin/logout", {});
}

/** What ended so many connections, and where. */
export interface Done extends Reach {
  readonly ended: number;
}

/** Ends the connections of a tunnel. @throws {CallError} */
export async function disconnect(tunnel: string): Promise<Done> {
  return await call<Done>("/admin/disconnect", { tunnel });
}

/** Keeps clients away. @throws {CallError} */
export async function ban({ kind, value }: Banned, reason: string): Promise<Done> {
  return await call<Done>("/admin/ban", { [kind]: value, reason });
}

/** Lifts a ban. @throws {CallError} */
export async function unban({ kind, value }: Banned): Promise<Reach> {
  return await call<Reach>("/admin/unban", { [kind]: value });
}

/** Says where something was not done, as a sentence behind another one; empty when it was done everywhere. */
export function butText(reach: Reach): string {
  const missing = missingText(reach);
  return missing && ` But ${missing}.`;
}

/** Says what went wrong, as a sentence without its end. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function call<Result>(path: string, body: object | null = null): Promise<Result> {
  const response = await fetch(path, {
    method: body === null ? "GET" : "POST",
    headers: body === null ? {} : { "content-type": "application/json" },
    body: body === null ? null : JSON.stringify(body),
    redirect: "error",
  }).catch((cause) => {
    throw new CallError(0, "the server cannot be reached", { cause });
  });
  if (response.ok) return await response.json();
  const text = await response.text();
  throw new CallError(response.status, errorOf(text) ?? `the server answered ${response.status}`);
}

function errorOf(text: string): string | null {
  try {
    const { error }: { readonly error?: unknown } = JSON.parse(text);
    return typeof error === "string" ? error : null;
  } catch {
    return null;
  }
}
