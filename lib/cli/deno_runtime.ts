import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Permission, Runtime, StopSignal } from "./runtime.ts";

/** Deno, or an executable that has it inside. */
export class DenoRuntime implements Runtime {
  readonly args = Deno.args;
  readonly stdout = Deno.stdout;
  readonly stderr = Deno.stderr;
  #name: string | undefined;

  get noColor(): boolean {
    return Deno.noColor;
  }

  columns(): number {
    return Deno.consoleSize().columns;
  }

  environment(name: string): string | undefined {
    return Deno.env.get(name);
  }

  programName(): string {
    // Asked for once: a program that runs may not look at its folder any more.
    this.#name ??= Deno.build.standalone
      ? nameOfExecutable(Deno.execPath())
      : nameOfScript(Deno.mainModule, Deno.cwd());
    return this.#name;
  }

  startWords(): readonly string[] {
    const path = Deno.execPath();
    if (Deno.build.standalone) return [path];
    const { mainModule } = Deno;
    const script = mainModule.startsWith("file:") ? fileURLToPath(mainModule) : mainModule;
    return [path, "run", "-A", script];
  }

  exit(status: number): never {
    Deno.exit(status);
  }

  onSignal(signal: StopSignal, listener: () => void): void {
    Deno.addSignalListener(signal, listener);
  }

  offSignal(signal: StopSignal, listener: () => void): void {
    Deno.removeSignalListener(signal, listener);
  }

  onUncaught(listener: (error: unknown) => void): void {
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      listener(event.reason);
    });
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      listener(event.error);
    });
  }

  giveUp(permissions: readonly Permission[]): void {
    for (const name of permissions) Deno.permissions.revokeSync({ name });
  }

  async run(program: string, args: readonly string[]): Promise<boolean> {
    const child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return (await child.status).success;
  }
}

/** Returns what starts the executable at that path: where it is on the PATH, its name is enough. */
export function nameOfExecutable(path: string): string {
  return basename(path, ".exe");
}

/** Returns what starts the script at that URL from that folder. */
export function nameOfScript(url: string, folder: string): string {
  return `deno run -A ${url.startsWith("file:") ? relative(folder, fileURLToPath(url)) : url}`;
}
