/** What is needed of a TCP or TLS connection. */
export interface ByteStream {
  /** Reads some bytes to the beginning of `into` and returns how many; null at the end. One read at a time. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and returns how many. One write at a time. */
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the peer that nothing more is written, behind all that was; reading goes on. */
  closeWrite(): Promise<void>;
  /** Closes at once; reads and writes that wait fail or end. */
  close(): void;
}

export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}

/** Runs a step of opening a connection, and closes the connection when the step fails or is aborted. */
export async function closingOnAbort<T>(
  stream: ByteStream,
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  let isClosed = false;
  const close = (): void => {
    if (!isClosed) stream.close();
    isClosed = true;
  };
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    const result = await step();
    signal.throwIfAborted();
    return result;
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}
