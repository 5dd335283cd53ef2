import { TempDir } from "../testing/temp_dir.ts";

/** Where distributions put libfaketime. */
const PLACES = [
  "/usr/lib/x86_64-linux-gnu/faketime",
  "/usr/lib/aarch64-linux-gnu/faketime",
  "/usr/lib64/faketime",
  "/usr/lib/faketime",
];

/** Where Linux keeps memory and semaphores that have a name. */
const SHARED = "/dev/shm";

/** What is said where it is in none of these. */
export const NO_WALL_CLOCK =
  "skipped: libfaketime is not installed (Debian: apt-get install faketime)";

/** Seconds after a jump in which the probe that it gives rise to is answered, or the peer is given up. */
export const PROBED = 7;

/** A wall clock for programs, which jumps while they run; the monotonic clock and timers stay the system's. */
export class WallClock implements AsyncDisposable {
  readonly #folder: TempDir;
  readonly #library: string;

  private constructor(folder: TempDir, library: string) {
    this.#folder = folder;
    this.#library = library;
  }

  /** Makes a clock that shows the right time; null where the library is missing. */
  static async make(): Promise<WallClock | null> {
    const library = await findLibrary();
    if (library === null) return null;
    const clock = new WallClock(await TempDir.make(), library);
    await clock.jump(0);
    return clock;
  }

  /** What a program is started with to go by this clock. */
  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // Else the times of files jump too, and Deno reads them.
      NO_FAKE_STAT: "1",
    };
  }

  /** Sets the clock to so many seconds beside the right time. */
  async jump(offset: number): Promise<void> {
    const next = `${this.#file}.next`;
    await Deno.writeTextFile(next, `${offset < 0 ? "" : "+"}${offset}\n`);
    // The file is read at any moment, and must never be half written.
    await Deno.rename(next, this.#file);
  }

  /** Takes the clock away; the programs must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
    await removeLeftovers();
  }

  get #file(): string {
    return `${this.#folder.path}/offset`;
  }
}

async function findLibrary(): Promise<string | null> {
  for (const place of PLACES) {
    const library = `${place}/libfaketime.so.1`;
    if (await exists(library)) return library;
  }
  return null;
}

/** Removes what the library shares with children, and leaves behind when its process is killed. */
async function removeLeftovers(): Promise<void> {
  for await (const { name } of Deno.readDir(SHARED)) {
    const pid = /^(?:faketime_shm|sem\.faketime_sem)_(\d+)$/.exec(name)?.[1];
    if (pid === undefined || await exists(`/proc/${pid}`)) continue;
    // Another clock may be taken away at the same time.
    await Deno.remove(`${SHARED}/${name}`).catch(() => {});
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
