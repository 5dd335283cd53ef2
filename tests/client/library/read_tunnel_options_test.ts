import { assertEquals, assertRejects } from "@std/assert";
import { OptionError, serve, type TunnelOptions } from "../../../lib/mod.ts";
import { TunnelServer } from "../../../lib/server/mod.ts";
import { authorization } from "../../testing/password.ts";
import { TempDir } from "../../testing/temp_dir.ts";

Deno.test("A program says of its tunnel what the command line can say", async (t) => {
  await using server = new TunnelServer({ port: 0, hostname: "127.0.0.1", fixed: true });
  await using folder = await TempDir.make();
  const basicAuth = { user: "ann", password: "secret" };
  const guarded = { basicAuth, login: true };
  const [authName, authValue] = authorization("ann:secret");
  const known = { [authName]: authValue };
  /** Publishes a handler that says what it got, and asks it. */
  const ask = async (
    options: Omit<TunnelOptions, "server">,
    ...requests: readonly RequestInit[]
  ): Promise<readonly (readonly [Response, string])[]> => {
    // A server with one tunnel has it for one key.
    const key = `${folder.path}/key.pem`;
    await using tunnel = await serve(
      { server: server.url, key, ...options },
      async (request) => {
        const env = request.headers.get("x-env");
        const agent = request.headers.get("user-agent");
        const text = JSON.stringify({ env, agent, length: (await request.text()).length });
        return new Response(text, { headers: { "x-powered-by": "a test" } });
      },
    );
    const answers: (readonly [Response, string])[] = [];
    for (const request of requests) {
      const response = await fetch(`${tunnel.url}/a`, { redirect: "manual", ...request });
      answers.push([response, await response.text()]);
    }
    return answers;
  };

  await t.step("which fields are set and removed", async () => {
    const [[response, text] = missing()] = await ask({
      setRequestHeader: { "X-Env": "dev {path}" },
      removeRequestHeader: "User-Agent",
      setResponseHeader: ["X-Served-By: me"],
      removeResponseHeader: ["X-Powered-By"],
    }, {});
    assertEquals(JSON.parse(text), { env: "dev /a", agent: null, length: 0 });
    const { headers } = response;
    assertEquals([headers.get("x-served-by"), headers.get("x-powered-by")], ["me", null]);
  });
  await t.step("whose pages may read the answers", async () => {
    const origin = "https://app.example.com";
    const headers = { origin, "access-control-request-method": "PUT" };
    const [[preflight] = missing()] = await ask({ cors: [origin, "https://b.example.com"] }, {
      method: "OPTIONS",
      headers,
    });
    assertEquals(preflight.status, 204);
    assertEquals(preflight.headers.get("access-control-allow-origin"), origin);
  });
  await t.step("how much visitors may have", async () => {
    const limits = { maxBody: "1kb", rateLimit: { count: 2, period: 3_600_000 } };
    const post = (size: number) => ({ method: "POST", body: "x".repeat(size) });
    const answers = await ask(
      { ...limits, maxStreams: 5, timeout: "30s" },
      post(2000),
      post(9),
      {},
      {},
    );
    assertEquals(answers.map(([{ status }]) => status), [413, 200, 200, 429]);
  });
  await t.step("that browsers log in on a page", async () => {
    const headers = { accept: "text/html" };
    const [[page, text] = missing(), [entered] = missing()] = await ask(guarded, { headers }, {
      headers: known,
    });
    assertEquals([page.status, text.includes("<form"), entered.status], [401, true, 200]);
  });
  await t.step("where visitors may go", async () => {
    const plain = { port: 0, hostname: "127.0.0.1", onListen() {} };
    await using api = Deno.serve(plain, ({ url }) => new Response(new URL(url).pathname));
    const place = `http://127.0.0.1:${api.addr.port}`;
    const go = (url: string) => ({ headers: { ...known, "x-proxy-destination": url } });
    const answers = await ask(
      { basicAuth, allowDestination: `${place}/*`, denyDestination: [`${place}/secret`] },
      go(`${place}/items`),
      go(`${place}/secret`),
    );
    assertEquals(answers.map(([{ status }]) => status), [200, 403]);
    assertEquals(answers[0]?.[1], "/items");
  });
});

Deno.test("The options of visitors and fields say what they must be", async () => {
  const allowDestination = "https://api.internal";
  const wrong: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [
      { setRequestHeader: { "X-Env": 5 } },
      'the option setRequestHeader must be text, not "a value of the type object"',
    ],
    [{ setRequestHeader: "X-Env" }, "the option setRequestHeader must be a name, a colon and a"],
    [
      { setRequestHeader: { host: "a" } },
      "must not change host: the host header has an option of its own",
    ],
    [{ setResponseHeader: { Connection: "close" } }, "it ends at each hop"],
    [{ removeRequestHeader: ["a b"] }, "the option removeRequestHeader must have the name of a"],
    [{ cors: ["app.example.com"] }, "the option cors must be * or origins such as https://app"],
    [{ rateLimit: "much" }, "the option rateLimit must be a rate such as 100/s"],
    [{ maxStreams: 0 }, "the option maxStreams must be a whole number from 1 to 1000000, not 0"],
    [{ maxBody: "much" }, "the option maxBody must be a size such as 500kb"],
    [{ timeout: "soon" }, "the option timeout must be a time such as 30s"],
    [{ login: "yes" }, "the option login must be true or false"],
    [{ login: true }, "the option login is a page for the users of basicAuth, and there are none"],
    [
      { basicAuth: manyUsers(), allowIp: Array(64).fill("2001:db8::/32") },
      "the option basicAuth is too long for a registration, together with allowIp",
    ],
    [{ insecureOrigin: 1.5 }, "the option insecureOrigin must be true or false, not 1.5"],
    [{ originAuthorities: "none" }, "the option originAuthorities has no certificate in PEM"],
    [{ allowDestination: "here" }, "the option allowDestination must be like https://*.internal"],
    [
      { allowDestination },
      "the option allowDestination would let everybody send requests from this machine: " +
      "give basicAuth or allowIp",
    ],
  ];
  for (const [given, message] of wrong) {
    const options: TunnelOptions = Object.assign({ server: "http://127.0.0.1:1" }, given);
    await assertRejects(() => serve(options, () => new Response()), OptionError, message);
  }
});

/** Users that are too many bytes together, each of which may be one. */
function manyUsers(): readonly { readonly user: string; readonly password: string }[] {
  return Array.from({ length: 16 }, (_, index) => ({
    user: `${index}`.padStart(128, "u"),
    password: "p",
  }));
}

function missing(): never {
  throw new Error("there is no answer");
}
