/** Bytes of a buffer: most requests fit with their body, and go out in one write. */
export const OUTPUT_BUFFER = 16 * 1024;

/** Buffers kept for the next request, 1 MiB of them. */
const MAX_SPARE_BUFFERS = 64;
const spareBuffers: Uint8Array<ArrayBuffer>[] = [];

/** Returns a buffer for a head of so many bytes and what goes out with it. */
export function takeOutputBuffer(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes > OUTPUT_BUFFER) return new Uint8Array(bytes);
  return spareBuffers.pop() ?? new Uint8Array(OUTPUT_BUFFER);
}

/** Takes one back that nobody writes from any more. */
export function giveOutputBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  if (buffer.length !== OUTPUT_BUFFER || spareBuffers.length >= MAX_SPARE_BUFFERS) return;
  spareBuffers.push(buffer);
}
