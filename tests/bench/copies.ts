import { Program } from "../testing/program.ts";
import { Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const COUNTER = new URL("copy_counter.ts", import.meta.url);

/** A tunnel whose programs count the bytes that they copy. */
export class CountedTunnel extends Tunnel {
  #asked = 0;

  static async startFor(origin: { readonly port: number }): Promise<CountedTunnel> {
    await using started = new AsyncDisposableStack();
    const options = { preload: COUNTER };
    const hostname = ["--hostname", "127.0.0.1"];
    const server = started.use(
      await Program.start("server.ts", ["--port", "0", ...hostname], options),
    );
    const client = started.use(
      await Program.start("client.ts", [
        ...["--server", server.url.origin],
        ...["--host", "127.0.0.1", "--port", `${origin.port}`],
      ], options),
    );
    return new CountedTunnel(server, client, started.move());
  }

  /** Returns the bytes that server and client have copied so far. */
  async copied(): Promise<[server: number, client: number]> {
    const time = ++this.#asked;
    const ask = async (program: Program): Promise<number> => {
      program.signal("SIGUSR2");
      const said = new RegExp(`^copied ${time}: (\\d+)$`);
      const line = await within(program.stderr.find(said), "the count of copied bytes");
      return Number(line?.[1]);
    };
    return [await ask(this.server), await ask(this.client)];
  }
}
