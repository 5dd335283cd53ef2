import { assert, assertEquals } from "@std/assert";
import { ServiceWatch } from "../../../lib/client/console/service_watch.ts";
import { TCPDialer } from "../../../lib/net/dialer.ts";
import { freePort } from "../../testing/free_port.ts";
import { eventually } from "../../testing/eventually.ts";

const HOST = "127.0.0.1";

/** Milliseconds between two looks. */
const INTERVAL = 20;

Deno.test("ServiceWatch tells once that a service is gone, and once that it is back", async () => {
  const port = freePort();
  let service = Deno.listen({ hostname: HOST, port });
  const told: string[] = [];
  using watch = watchOf(port, told);
  assert(await watch.start());
  service.close();
  for (let i = 0; i < 3; i++) watch.failed();
  assertEquals(told, ["down"]);
  service = Deno.listen({ hostname: HOST, port });
  await eventually("the good news", () => told.length === 2);
  assertEquals(told, ["down", "up"]);
  watch.failed();
  assertEquals(told, ["down", "up", "down"], "it may have been gone for a moment");
  await eventually("more good news", () => told.length === 4);
  service.close();
});

Deno.test("ServiceWatch tells of a service that was not there at the start when it comes", async () => {
  const port = freePort();
  const told: string[] = [];
  using watch = watchOf(port, told);
  assert(!await watch.start());
  watch.failed();
  assertEquals(told, [], "that it is missing is known from the start");
  using _service = Deno.listen({ hostname: HOST, port });
  await eventually("the good news", () => told.length > 0);
  assertEquals(told, ["up"]);
});

Deno.test("ServiceWatch looks no more once it is disposed, in the middle of a look too", async () => {
  using service = Deno.listen({ hostname: HOST, port: 0 });
  const told: string[] = [];
  const watch = watchOf(service.addr.port, told);
  const started = watch.start();
  watch[Symbol.dispose]();
  await started;
  watch.failed();
  assertEquals(told, []);
});

function watchOf(port: number, told: string[]): ServiceWatch {
  return new ServiceWatch({
    dialer: new TCPDialer(HOST, port),
    interval: INTERVAL,
    onDown: () => told.push("down"),
    onUp: () => told.push("up"),
  });
}
