import { freePort } from "./free_port.ts";
import { FrontProxy } from "./front_proxy.ts";
import { TempDir } from "./temp_dir.ts";

export interface WebDAVOptions {
  /** The file of nginx' module for PROPFIND and LOCK, which it does not know by itself. @default none */
  readonly extension?: string;
}

/** nginx with its WebDAV module, as an origin: each method that it knows writes to a folder of its own. */
export class WebDAVOrigin implements AsyncDisposable {
  readonly port: number;
  readonly #owned: AsyncDisposableStack;

  private constructor(port: number, owned: AsyncDisposableStack) {
    this.port = port;
    this.#owned = owned;
  }

  static async start({ extension }: WebDAVOptions = {}): Promise<WebDAVOrigin> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const port = freePort();
    await Deno.mkdir(`${folder.path}/files`);
    await Deno.writeTextFile(
      `${folder.path}/nginx.conf`,
      configuration({ folder: folder.path, port, extension }),
    );
    started.use(
      await FrontProxy.start("nginx", {
        args: ["-p", folder.path, "-c", `${folder.path}/nginx.conf`, "-e", "stderr"],
        ready: /start worker process /,
      }),
    );
    return new WebDAVOrigin(port, started.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

interface Site {
  readonly folder: string;
  readonly port: number;
  readonly extension: string | undefined;
}

function configuration({ folder, port, extension }: Site): string {
  const hasExtension = extension !== undefined;
  // Started by root, its workers could not write to the folder as anybody else.
  const isRoot = Deno.uid() === 0;
  return `
    ${hasExtension ? `load_module ${extension};` : ""}
    ${isRoot ? "user root;" : ""}
    daemon off;
    worker_processes 1;
    error_log stderr notice;
    pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}/bodies;
      ${hasExtension ? "dav_ext_lock_zone zone=locks:1m;" : ""}
      server {
        listen 127.0.0.1:${port};
        location / {
          root ${folder}/files;
          dav_methods PUT DELETE MKCOL COPY MOVE;
          dav_access user:rw;
          ${
    hasExtension ? "dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks;" : ""
  }
        }
      }
    }
  `;
}
