// Tasks run as a person runs them: in a process of their own, with the flags that deno.json gives them and no others.
import project from "../../deno.json" with { type: "json" };

/** What a task printed, and how it ended. */
export interface TaskResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A task that deno.json runs as one program. */
export interface DeclaredTask {
  /** Its file, from the project's root. */
  readonly script: string;
  /** What stands before the file: `deno run`'s own flags, permissions among them. */
  readonly flags: readonly string[];
}

const ROOT = new URL("../../", import.meta.url);

/** The tasks that are one program each, by the names in deno.json. */
export const DECLARED_TASKS: ReadonlyMap<string, DeclaredTask> = new Map(
  Object.entries(project.tasks).flatMap(([name, { command }]) => {
    const [deno, run, ...words] = command.split(" ");
    const script = words.at(-1)!;
    return deno === "deno" && run === "run" && script.startsWith("tasks/")
      ? [[name, { script, flags: words.slice(0, -1) }]]
      : [];
  }),
);

/** Runs a task from the project's root, with what is piped in. */
export async function runTaskProcess(
  name: string,
  args: readonly string[],
  stdin?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TaskResult> {
  const process = taskCommand(name, args, { stdin: stdin === undefined ? "null" : "piped", env: { ...env } }).spawn();
  if (stdin !== undefined) {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await process.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Starts a task to send signals to; its output is not read. */
export function startTaskProcess(name: string, args: readonly string[]): Deno.ChildProcess {
  return taskCommand(name, args, { stdin: "null", stdout: "null", stderr: "null" }).spawn();
}

/** The command of a task; by default its output is piped, and it runs in the project's root. */
export function taskCommand(name: string, args: readonly string[], streams: Deno.CommandOptions): Deno.Command {
  const task = DECLARED_TASKS.get(name);
  if (task === undefined) throw new Error(`deno.json has no task ${name} that is one program`);
  return new Deno.Command(Deno.execPath(), {
    stdout: "piped",
    stderr: "piped",
    cwd: ROOT,
    ...streams,
    // The tests may be run from elsewhere, or through npx: the tasks must not notice.
    env: { INIT_CWD: "", npm_command: "", ...streams.env },
    args: ["run", "--quiet", "--no-prompt", ...task.flags, task.script, ...args],
  });
}
