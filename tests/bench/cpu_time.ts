/** Ticks in a second of `/proc`: 100 on every Linux in use, whatever the kernel's own clock (`getconf CLK_TCK`). */
const TICKS = 100;

/** Reads how many seconds of CPU all threads of a process have used; null where there is no `/proc`. */
export async function cpuTime(pid: number): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name of the program, in parentheses, may hold blanks; the times are the 12th and 13th field behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
