import { type Finding, right, unknown, wrong } from "../../cli/doctor/finding.ts";

/** Descriptors that a public server should have: visitors, their upstreams and clients each take one. */
const DESCRIPTORS = 65_536;

/**
 * Asks a shell how many files and connections a process may have open: Deno reads `/proc/self/limits` for programs that may
 * do everything alone. Of the two figures it raises the soft one to the hard one at its start.
 */
export async function checkDescriptors(question = "ulimit -H -n"): Promise<Finding> {
  const most = await answerOf(question);
  if (!/^(?:[0-9]+|unlimited)$/.test(most)) {
    return unknown("descriptors", "this system does not tell how many there may be");
  }
  if (most === "unlimited" || Number(most) >= DESCRIPTORS) {
    return right("descriptors", `${most} files and connections at once`);
  }
  return wrong(
    "descriptors",
    `${most} files and connections at once, and a crowd needs ${DESCRIPTORS}`,
    `LimitNOFILE=${DESCRIPTORS} in systemd's unit, --ulimit nofile=${DESCRIPTORS} for a container`,
  );
}

/** Returns what a shell writes; nothing where there is no shell. */
async function answerOf(question: string): Promise<string> {
  try {
    const { stdout } = await new Deno.Command("sh", { args: ["-c", question], stderr: "null" })
      .output();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return "";
  }
}

/** Milliseconds by which two clocks may differ before it is told: more than an answer takes, and less than logs show. */
const SAME_TIME = 5_000;

/** Compares this machine's clock with that of Redis; null where there is none. */
export function checkClock(other: Date | null, now: Date = new Date()): Finding {
  if (other === null) {
    return unknown("clock", `${now.toISOString().slice(0, 19)}Z, with nothing to compare it with`);
  }
  const difference = now.getTime() - other.getTime();
  if (Math.abs(difference) <= SAME_TIME) return right("clock", "as Redis has it");
  const seconds = Math.round(Math.abs(difference) / 1000);
  return wrong(
    "clock",
    `${seconds} s ${difference > 0 ? "ahead of" : "behind"} that of Redis`,
    "Set both by time synchronisation: timedatectl set-ntp true",
  );
}
