/** A folder that is gone, with all that is in it, when its scope ends. */
export class TempDir implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TempDir> {
    return new TempDir(await Deno.makeTempDir({ prefix: "tunnel-test-" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
