/** Tells what is measured on: cores, their model where the system tells it, and the system. */
export async function machine(): Promise<string> {
  const cores = `${navigator.hardwareConcurrency} cores`;
  const system = `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`;
  if (Deno.build.os !== "linux") return `${cores}, ${system}`;
  const model = /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  return `${cores}${model === undefined ? "" : ` of ${model}`}, ${system}`;
}
