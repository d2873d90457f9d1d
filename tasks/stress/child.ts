// Tasks as processes of their own, as a person starts them.
import { TextLineStream } from "@std/streams";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A task to start. */
export interface TaskCommand {
  /** The task's file below tasks/, without its ending. */
  readonly task: string;
  readonly args: readonly string[];
}

/** How a process ended. */
export interface Ended {
  readonly code: number;
  /** What ended it, if it did not end by itself. */
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** Most memory that it held at a time, in bytes; 0 where nobody asked or the system does not tell. */
  readonly peakBytes: number;
}

/** A signal to a process that has not ended by itself. */
export interface Ending {
  readonly signal: Deno.Signal;
  readonly afterSeconds: number;
}

/** A process's memory after its garbage was collected, in bytes. */
export interface LiveMemory {
  /** Objects that can still be reached. */
  readonly heap: number;
  /** All that the process holds: also what the engine keeps for later, which grows by leaps. */
  readonly held: number;
}

/** Options for `runChild`. */
export interface ChildOptions {
  /** Where it runs; in the project by default. */
  readonly cwd?: string;
  readonly endings?: readonly Ending[];
  /** What the task reads from standard input; nothing by default. */
  readonly stdin?: Uint8Array<ArrayBuffer>;
  /** Watch the most memory that the process holds at a time. */
  readonly watchPeak?: boolean;
  /** Called now and then with the process's memory. Garbage is collected each time. */
  readonly onLiveMemory?: (memory: LiveMemory) => void;
}

/** Characters of output that are kept. */
const MAX_OUTPUT = 1 << 20;

/**
 * What deno.json declares of a task: how Deno is called, up to the task's file. Paths are absolute, since tasks run
 * elsewhere: what wrong flags make them write must not lie among the project's files.
 */
function declaredCall(task: string): string[] {
  const tasks: Readonly<Record<string, { readonly command: string }>> = project.tasks;
  const [deno, ...call] = tasks[task.replaceAll("_", "-")].command.split(" ");
  if (deno !== "deno") throw new Error(`Cannot start ${task}: deno.json has another command for it`);
  return call.map((word) => word.replace(/^(--lock=)?(?=deno\.lock$|tasks\/)/, `$1${ROOT}`));
}

/** Starts a task and waits for its end. */
export async function runChild(
  { task, args }: TaskCommand,
  options: ChildOptions = {},
): Promise<Ended> {
  const started = performance.now();
  const { onLiveMemory } = options;
  const [run, ...call] = declaredCall(task);
  const meter = onLiveMemory ? ["--v8-flags=--expose-gc", `--preload=${ROOT}tasks/stress/live_memory.ts`] : [];
  const child = new Deno.Command(Deno.execPath(), {
    args: [run, ...meter, ...call, ...args],
    cwd: options.cwd ?? ROOT,
    stdin: options.stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const endings = (options.endings ?? []).map(({ signal, afterSeconds }) =>
    setTimeout(() => kill(child, signal), afterSeconds * 1000)
  );
  try {
    const [stdout, stderr, status, peakBytes] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr, onLiveMemory),
      child.status,
      options.watchPeak ? watchPeak(child.pid) : 0,
      options.stdin && feed(child.stdin, options.stdin),
    ]);
    const seconds = (performance.now() - started) / 1000;
    return { code: status.code, signal: status.signal, stdout, stderr, seconds, peakBytes };
  } finally {
    for (const timer of endings) clearTimeout(timer);
  }
}

/** Waits for a process's end; returns the most memory that it held. */
async function watchPeak(pid: number): Promise<number> {
  const meter = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--allow-all", "tasks/stress/memory_meter.ts", String(pid)],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let most = 0;
  for await (const line of meter.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    most = Math.max(most, Number(line));
  }
  await meter.status;
  return most;
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error; // it has ended
  }
}

/** @param onLiveMemory Gets what live_memory.ts says, which is no part of the text. */
async function textOf(
  stream: ReadableStream<Uint8Array>,
  onLiveMemory?: (memory: LiveMemory) => void,
): Promise<string> {
  let text = "";
  for await (const line of stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    const memory = onLiveMemory && /^live memory (\d+) (\d+)$/.exec(line);
    if (memory) onLiveMemory({ heap: Number(memory[1]), held: Number(memory[2]) });
    else if (text.length < MAX_OUTPUT) text += `${line}\n`;
  }
  return text;
}

async function feed(stdin: WritableStream<Uint8Array<ArrayBuffer>>, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    await new Blob([bytes]).stream().pipeTo(stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // it ended without reading all
  }
}

/** What is wrong with what a task printed of a mistake; nothing if that is as it must be. */
export function faultOfOutput({ code, signal, stderr }: Pick<Ended, "code" | "signal" | "stderr">): string | undefined {
  if (/^\s+at .+:\d+:\d+\)?$/m.test(stderr)) return `a stack trace: ${stderr.slice(0, 400)}`;
  if (signal !== null && signal !== "SIGTERM") return `it was ended by ${signal}`;
  if (code !== 0 && signal === null && stderr.trim() === "") return `exit code ${code} without a word`;
  const longest = Math.max(...stderr.split("\n").map((line) => line.length));
  if (longest > 2000) return `a line of ${longest} characters: ${stderr.slice(0, 200)}`;
  return undefined;
}
