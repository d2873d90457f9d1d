/** What a task printed, and how it ended. */
export interface TaskResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url);

/** Runs a task as a person would: in a process of its own, from the project's root, with what is piped in. */
export async function runTaskProcess(name: string, args: readonly string[], stdin?: string): Promise<TaskResult> {
  const process = taskCommand(name, args, { stdin: stdin === undefined ? "null" : "piped" }).spawn();
  if (stdin !== undefined) {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await process.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Starts a task whose output nobody reads, to be sent signals. */
export function startTaskProcess(name: string, args: readonly string[]): Deno.ChildProcess {
  return taskCommand(name, args, { stdin: "null", stdout: "null", stderr: "null" }).spawn();
}

/** The command of a task; by default its output is piped. */
export function taskCommand(name: string, args: readonly string[], streams: Deno.CommandOptions): Deno.Command {
  const script = `tasks/${name.replaceAll("-", "_")}.ts`;
  return new Deno.Command(Deno.execPath(), {
    stdout: "piped",
    stderr: "piped",
    ...streams,
    args: ["run", "--quiet", "-A", script, ...args],
    cwd: ROOT,
  });
}
