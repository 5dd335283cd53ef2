/** What Deno asks leave for, each as a whole. */
export type Permission = "read" | "write" | "net" | "env" | "run" | "sys" | "ffi" | "import";

/** Signals that the programs listen to. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGBREAK" | "SIGHUP";

/** What a program asks of the runtime that it runs in, beside connections and files. */
export interface Runtime {
  /** The words behind the program's name. */
  readonly args: readonly string[];
  readonly stdout: StandardStream;
  readonly stderr: StandardStream;
  /** Whether the user wants no colours (no-color.org). */
  readonly noColor: boolean;
  /** Columns of the terminal, as wide as it is now. @throws where there is none. */
  columns(): number;
  environment(name: string): string | undefined;
  /** Names the program as it was started, so that a call which a message shows works when it is typed. */
  programName(): string;
  /** The words that start the program from any folder, by whole paths. */
  startWords(): readonly string[];
  /** Ends the process at once. */
  exit(status: number): never;
  onSignal(signal: StopSignal, listener: () => void): void;
  offSignal(signal: StopSignal, listener: () => void): void;
  /** Hears of what is thrown or rejected where nobody catches it, which does not end the process then. */
  onUncaught(listener: (error: unknown) => void): void;
  /** Gives up these permissions for good; a runtime without permissions has none to give up. */
  giveUp(permissions: readonly Permission[]): void;
  /** Runs a program without input and output; returns whether it ended well. @throws when it cannot be started. */
  run(program: string, args: readonly string[]): Promise<boolean>;
}

/** Standard output or standard error. */
export interface StandardStream {
  isTerminal(): boolean;
  /** Resolves when so many bytes are written. */
  write(bytes: Uint8Array): Promise<number>;
  /** Returns how many bytes are written, or taken to be written in order. */
  writeSync(bytes: Uint8Array): number;
}
