import { ProgramError } from "../../cli/program.ts";
import type { DaemonCall } from "./daemon_call.ts";

/** Writes a unit of systemd for one user that makes this call, and makes it again after a failure. */
export function systemdUnit({ words, folder, isReloadable }: DaemonCall): string {
  return `# ~/.config/systemd/user/tunnel-client.service
# Start it with: systemctl --user daemon-reload; systemctl --user enable --now tunnel-client
# Let it run on when you log out: loginctl enable-linger
[Unit]
Description=Tunnel client: publishes local services
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory=${pathOf(folder)}
ExecStart=:${words.map(wordOf).join(" ")}
${isReloadable ? "ExecReload=/bin/kill -HUP $MAINPID\n" : ""}Restart=on-failure
RestartSec=10s
# A wrong call stays wrong.
RestartPreventExitStatus=2
# Requests in flight have ten seconds to finish.
TimeoutStopSec=15s
# glibc else keeps what many requests at once have taken.
Environment=MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=65536 MALLOC_MMAP_THRESHOLD_=65536
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
`;
}

/** Writes a word of a command line (systemd.service(5), "Command lines"); the colon before it lets `$` be a plain sign. */
function wordOf(word: string): string {
  const specified = word.replaceAll("%", "%%");
  return PLAIN.test(specified) ? specified : `"${escaped(specified)}"`;
}

const PLAIN = /^[\w%@+=:,./-]+$/;

function escaped(text: string): string {
  return text.replaceAll(/[\\"]/g, (sign) => `\\${sign}`).replaceAll(
    // deno-lint-ignore no-control-regex -- they are what is looked for
    /[\x01-\x1f\x7f]/g,
    (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Writes a path, which takes no quotes. @throws {ProgramError} for one that a line cannot have. */
function pathOf(path: string): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path) || path.trim() !== path || path.endsWith("\\")) {
    throw new ProgramError(
      `a unit cannot name the folder ${JSON.stringify(path)}: start it elsewhere`,
      2,
    );
  }
  return path.replaceAll("%", "%%");
}
