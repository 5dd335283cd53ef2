import { stderr, stdin } from "node:process";

/** Bytes of a secret at most; many more than any has. */
const MAX_SECRET = 4096;

/**
 * Reads a line with a secret: at a terminal after a question and without showing what is typed, else the first line of
 * standard input. It is empty when nothing comes.
 *
 * @throws {RangeError} "is …" for one that is too long.
 */
export async function readSecret(question: string): Promise<string> {
  const isTerminal = stdin.isTTY === true;
  if (isTerminal) {
    // First, so that nothing is shown of what is typed at once.
    stdin.setRawMode(true);
    stderr.write(question);
  }
  try {
    return await readLine(isTerminal);
  } finally {
    if (isTerminal) {
      stdin.setRawMode(false);
      stderr.write("\n");
    }
    stdin.destroy();
  }
}

async function readLine(isTerminal: boolean): Promise<string> {
  const line = new TypedLine();
  stdin.setEncoding("utf8");
  for await (const text of stdin) {
    for (const character of String(text)) {
      if (isTerminal ? line.type(character) : line.take(character)) return line.text;
    }
  }
  return line.text;
}

/** A line that is typed where nothing but its end and what takes a character back has a meaning. */
class TypedLine {
  #characters: string[] = [];

  get text(): string {
    return this.#characters.join("").trim();
  }

  /** Takes a character of a file or a pipe, and returns whether the line has ended. */
  take(character: string): boolean {
    if (character === "\n" || character === "\r") return true;
    this.#characters.push(character);
    if (this.#characters.length > MAX_SECRET) throw new RangeError("is too long");
    return false;
  }

  /** Takes a key of a terminal that passes on every key as it is, and returns whether the line has ended. */
  type(key: string): boolean {
    switch (key) {
      case CONTROL_C:
        this.#characters = [];
        throw new Interrupted();
      case CONTROL_D:
        return true;
      case CONTROL_U:
        this.#characters = [];
        return false;
      case BACKSPACE:
      case DELETE:
        this.#characters.pop();
        return false;
      default:
        return this.take(key);
    }
  }
}

/** Says that the person at the terminal gave up. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

const CONTROL_C = "\x03";
const CONTROL_D = "\x04";
const CONTROL_U = "\x15";
const BACKSPACE = "\b";
const DELETE = "\x7f";
