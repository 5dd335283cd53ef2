import { freePort } from "./free_port.ts";
import { FrontProxy } from "./front_proxy.ts";
import { TempDir } from "./temp_dir.ts";

/** What a forward proxy is to allow. */
export interface ForwardProxyOptions {
  /** The one port that CONNECT may lead to; the system's packages allow 443. */
  readonly connectPort: number;
}

/** Whom these proxies let through. */
export const PROXY_LOGIN = "ann:secret";

/** A name that leads to this machine, for squid alone. */
export const SQUID_NAME = "tunnel.test";

/** A proxy between a client and its server, run in the foreground. */
export class ForwardProxy implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;

  private constructor(readonly port: number, owned: AsyncDisposableStack) {
    this.#owned = owned;
  }

  static squid(options: ForwardProxyOptions): Promise<ForwardProxy> {
    return ForwardProxy.#start(options, async (folder, port, { connectPort }) => {
      // As root, squid becomes another user, who has to read these.
      await Deno.chmod(folder, 0o755);
      await Deno.writeTextFile(`${folder}/hosts`, `127.0.0.1 ${SQUID_NAME}\n`);
      await Deno.writeTextFile(`${folder}/login.sh`, LOGIN_SCRIPT);
      await Deno.writeTextFile(
        `${folder}/squid.conf`,
        [
          `http_port 127.0.0.1:${port}`,
          "pid_filename none",
          "access_log none",
          "cache_log /dev/null",
          "cache_store_log none",
          "cache deny all",
          "pinger_enable off",
          "shutdown_lifetime 0 seconds",
          `hosts_file ${folder}/hosts`,
          `auth_param basic program /bin/sh ${folder}/login.sh`,
          "acl known proxy_auth REQUIRED",
          `acl allowed port ${connectPort}`,
          "acl CONNECT method CONNECT",
          "http_access deny !allowed",
          "http_access allow CONNECT known",
          "http_access deny all",
          "",
        ].join("\n"),
      );
      return await FrontProxy.start("squid", {
        args: ["-N", "-d", "1", "-f", `${folder}/squid.conf`],
        ready: /Accepting HTTP Socket connections/,
      });
    });
  }

  static tinyproxy(options: ForwardProxyOptions): Promise<ForwardProxy> {
    return ForwardProxy.#start(options, async (folder, port, { connectPort }) => {
      await Deno.writeTextFile(
        `${folder}/tinyproxy.conf`,
        [
          `Port ${port}`,
          "Listen 127.0.0.1",
          "LogLevel Info",
          `BasicAuth ${PROXY_LOGIN.replace(":", " ")}`,
          `ConnectPort ${connectPort}`,
          "",
        ].join("\n"),
      );
      return await FrontProxy.start("sh", {
        // It logs to standard output.
        args: ["-c", 'exec tinyproxy -d -c "$0" >&2', `${folder}/tinyproxy.conf`],
        ready: /Starting main loop/,
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  static async #start(
    options: ForwardProxyOptions,
    run: (folder: string, port: number, options: ForwardProxyOptions) => Promise<FrontProxy>,
  ): Promise<ForwardProxy> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const port = freePort();
    started.use(await run(folder.path, port, options));
    return new ForwardProxy(port, started.move());
  }
}

/** What squid asks whether a login is right: a line with a user and a password, to be answered by a line. */
const LOGIN_SCRIPT = `while read -r user password; do
  if [ "$user:$password" = "${PROXY_LOGIN}" ]; then echo OK; else echo ERR; fi
done
`;
