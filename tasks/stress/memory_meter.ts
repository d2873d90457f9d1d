// Prints the most memory that a process has held, in bytes, again and again until it ends. In a process of its own, since what
// Linux tells of another process may be read only by one that may do everything.

/** How often it looks. */
const LOOK_MS = 50;

if (import.meta.main) {
  const [pid] = Deno.args;
  for (;;) {
    let status: string;
    try {
      status = Deno.readTextFileSync(`/proc/${pid}/status`);
    } catch {
      break; // not Linux, or it has ended
    }
    console.log(1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
