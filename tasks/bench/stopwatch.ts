// Runs the command in its arguments, and prints how long that took, its peak memory, and its output, as JSON.
import type { MeasuredProcess } from "./process.ts";

/** How often the system is asked for the process's peak memory; the last answer before its end counts. */
const POLL_MS = 10;

/** Linux keeps the peak of each living process. */
function readPeak(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const [command, ...args] = Deno.args;
  const start = performance.now();
  const process = new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).spawn();
  let peakBytes: number | undefined;
  const poll = setInterval(() => peakBytes = readPeak(process.pid) ?? peakBytes, POLL_MS);
  const { code, stdout, stderr } = await process.output();
  const seconds = (performance.now() - start) / 1000;
  clearInterval(poll);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const measured: MeasuredProcess = { seconds, peakBytes, code, stdout: text(stdout), stderr: text(stderr).trim() };
  console.log(JSON.stringify(measured));
}
