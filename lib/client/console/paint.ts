/** Puts a text into a colour, or leaves it as it is. */
export type Paint = (colour: keyof typeof CODES, text: string) => string;

/** The parameters of Select Graphic Rendition (ECMA-48 section 8.3.117). */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Colours for a terminal. */
export const coloured: Paint = (colour, text) => `\x1b[${CODES[colour]}m${text}\x1b[0m`;

/** No colours: for pipes, files and those who set NO_COLOR. */
export const plain: Paint = (_colour, text) => text;
