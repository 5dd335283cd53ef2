import { ProgramError } from "../../cli/program.ts";
import type { DaemonCall } from "./daemon_call.ts";

/** Writes a property list of launchd for one user that makes this call, and makes it again after a failure. */
export function launchdPlist({ words, folder }: DaemonCall, home: string): string {
  const log = `${home}/Library/Logs/tunnel-client.log`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ~/Library/LaunchAgents/tunnel-client.plist
     Start it with: launchctl bootstrap gui/$UID ~/Library/LaunchAgents/tunnel-client.plist -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>tunnel-client</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${textOf(word)}</string>`).join("\n")}
  </array>
  <key>WorkingDirectory</key>
  <string>${textOf(folder)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>15</integer>
  <key>StandardOutPath</key>
  <string>${textOf(log)}</string>
  <key>StandardErrorPath</key>
  <string>${textOf(log)}</string>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
`;
}

/** Writes a text in XML 1.0, which has no way to write control characters. @throws {ProgramError} for one with any. */
function textOf(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) {
    throw new ProgramError(`a property list cannot have ${JSON.stringify(text)} in it`, 2);
  }
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
