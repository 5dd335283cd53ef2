/** Tells whether the octets are those of an ASCII text. */
export function spells(octets: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (octets[from + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
