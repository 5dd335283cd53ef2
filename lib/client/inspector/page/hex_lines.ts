/** Bytes of a line, as dumps have them. */
const WIDTH = 16;

/** Writes octets as lines of a place, their digits, and the characters that they are in ASCII. */
export function hexLines(octets: Uint8Array, start = 0): string {
  const lines: string[] = [];
  for (let at = 0; at < octets.length; at += WIDTH) {
    const row = [...octets.subarray(at, at + WIDTH)];
    const digits = row.map((octet, index) => (index === WIDTH / 2 ? " " : "") + hex(octet));
    const characters = row.map((octet) =>
      octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : "·"
    );
    const place = (start + at).toString(16).padStart(6, "0");
    lines.push(`${place}  ${digits.join(" ").padEnd(3 * WIDTH)}  ${characters.join("")}`);
  }
  return lines.join("\n");
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, "0");
}
