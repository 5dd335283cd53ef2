import { authorityOf } from "../net/authority.ts";
import type { HTTPProxy } from "../net/http_proxy.ts";
import { DialError } from "./dial_error.ts";
import { HandshakeResponse, sentenceIn } from "./handshake_response.ts";
import { type ByteStream, writeAll } from "../net/byte_stream.ts";

/**
 * Has a proxy open a tunnel (RFC 9110 section 9.3.6): what is written to the connection afterwards goes to `target`.
 *
 * @throws {DialError} when the proxy refuses, or answers something else.
 */
export async function openProxyTunnel(
  connection: ByteStream,
  { authorization }: HTTPProxy,
  target: { readonly host: string; readonly port: number },
): Promise<void> {
  const authority = authorityOf(target);
  const login = authorization === null ? [] : [`Proxy-Authorization: ${authorization}`];
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...login, "", ""];
  await writeAll(connection, new TextEncoder().encode(lines.join("\r\n")));
  const response = new HandshakeResponse(connection);
  const parsed = await response.head().catch((cause) => {
    if (!(cause instanceof DialError)) throw cause;
    throw new DialError(NO_STATUS, `its proxy is none: ${cause.message}`, { cause });
  });
  const { status } = parsed.head;
  if (status < 200 || status > 299) {
    const said = sentenceIn(await response.body(parsed), status);
    const detail = said === "" ? "" : ` (${said})`;
    throw new DialError(
      { kind: "proxy", status },
      `its proxy answered CONNECT ${authority} with status ${status}${detail}`,
    );
  }
  // The server speaks only after the client, so nothing of its own can be here yet.
  if (response.behind(parsed).length > 0) {
    throw new DialError(NO_STATUS, "its proxy sent more than its answer");
  }
}

const NO_STATUS = { kind: "proxy", status: null } as const;
