/** Where Linux keeps groups of processes with a limit of memory, by the version of cgroups. */
const PLACES = [
  { folder: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
  { folder: "/sys/fs/cgroup", limit: "memory.max" },
] as const;

/** A limit of memory for processes, which the system ends when they go beyond. */
export class MemoryGroup implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes a group; null where that is not allowed, or not known. */
  static async make(bytes: number): Promise<MemoryGroup | null> {
    for (const { folder, limit } of PLACES) {
      const own = `${folder}/tunnel-soak-${Deno.pid}`;
      try {
        await Deno.mkdir(own);
      } catch {
        continue;
      }
      const group = new MemoryGroup(own);
      try {
        await Deno.writeTextFile(`${own}/${limit}`, `${bytes}`);
        return group;
      } catch {
        await group[Symbol.asyncDispose]();
      }
    }
    return null;
  }

  /** Puts a process under the limit; what it holds already does not count. */
  async add(pid: number): Promise<void> {
    await Deno.writeTextFile(`${this.#folder}/cgroup.procs`, `${pid}`);
  }

  /** Takes the group away, which must be empty. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder);
  }
}
