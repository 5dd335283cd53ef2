import { assert, assertEquals, assertRejects } from "@std/assert";
import { DenoRuntime } from "../../lib/cli/deno_runtime.ts";
import { NodeRuntime } from "../../lib/cli/node_runtime.ts";
import type { Runtime } from "../../lib/cli/runtime.ts";
import { SYSTEM_RUNTIME } from "../../lib/cli/system_runtime.ts";
import { within } from "../testing/within.ts";

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  DenoRuntime: new DenoRuntime(),
  NodeRuntime: new NodeRuntime(),
};

Deno.test("SYSTEM_RUNTIME is Deno's own here", () => {
  assert(SYSTEM_RUNTIME instanceof DenoRuntime);
});

// One contract for both.
for (const [name, runtime] of Object.entries(RUNTIMES)) {
  Deno.test(`${name} tells the words of the command line and the environment`, () => {
    assertEquals(runtime.args, Deno.args);
    assertEquals(runtime.environment("PATH"), Deno.env.get("PATH"));
    assertEquals(runtime.environment("TUNNEL_NOT_SET"), undefined);
    assertEquals(runtime.noColor, Deno.noColor);
  });

  Deno.test(`${name} takes what is written to standard error`, async () => {
    const { stderr } = runtime;
    assertEquals(stderr.isTerminal(), Deno.stderr.isTerminal());
    assertEquals(await stderr.write(new Uint8Array(0)), 0);
    assertEquals(stderr.writeSync(new Uint8Array(0)), 0);
  });

  Deno.test({
    name: `${name} hears a signal until it is told not to`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      // Without any listener, the signal would end this process.
      const other = () => {};
      Deno.addSignalListener("SIGHUP", other);
      const heard = Promise.withResolvers<void>();
      const listener = () => heard.resolve();
      runtime.onSignal("SIGHUP", listener);
      Deno.kill(Deno.pid, "SIGHUP");
      await within(heard.promise, "a signal");
      runtime.offSignal("SIGHUP", listener);
      Deno.removeSignalListener("SIGHUP", other);
    },
  });

  Deno.test({
    name: `${name} runs a program, and says how it ended or that there is none`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      assertEquals(await runtime.run("true", []), true);
      assertEquals(await runtime.run("sh", ["-c", "exit 3"]), false);
      await assertRejects(() => runtime.run("/not/there", []));
    },
  });
}
