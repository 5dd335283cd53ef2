import { FramedSocket, type FramedSocketOptions } from "../../lib/websocket/framed_socket.ts";

/** Two ends of one WebSocket of the codec of our own, a client's and a server's, over the loopback. */
export interface FramedPair extends AsyncDisposable {
  readonly near: FramedSocket;
  readonly far: FramedSocket;
}

/** Joins the two ends; both are gone when the scope ends. */
export async function framedPair(
  options: Omit<FramedSocketOptions, "role"> = {},
): Promise<FramedPair> {
  const { near: nearConnection, far: farConnection } = await connectionPair();
  const near = new FramedSocket({ ...options, role: "client" });
  const far = new FramedSocket({ ...options, role: "server" });
  near.open(nearConnection, new Uint8Array(0));
  far.open(farConnection, new Uint8Array(0));
  return {
    near,
    far,
    [Symbol.asyncDispose]() {
      near.terminate();
      far.terminate();
      return Promise.resolve();
    },
  };
}

/** Makes two ends of one TCP connection over the loopback. */
export async function connectionPair(): Promise<
  { readonly near: Deno.TcpConn; readonly far: Deno.TcpConn }
> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const connecting = Deno.connect({ hostname: "127.0.0.1", port });
  const [near, far] = await Promise.all([connecting, listener.accept()]);
  near.setNoDelay(true);
  far.setNoDelay(true);
  return { near, far };
}
