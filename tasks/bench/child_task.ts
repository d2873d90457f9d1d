// A task of this project in a process of its own: one that dies or hangs takes nothing with it.
import project from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** How long a process that was told to end may take, and what holds on to its output then. */
const GRACE_MS = 5000;

/** Characters of what a process said that are kept: the end tells why it failed. */
const KEPT = 4000;

/** How a process ended. */
export interface ChildResult {
  readonly seconds: number;
  readonly stdout: string;
  /** Why it counts as failed, and the end of what it said. */
  readonly failed?: string;
}

/** The words after `deno` that run one of deno.json's tasks. */
export function taskWords(task: keyof typeof project.tasks, args: readonly string[]): string[] {
  const [, run, ...words] = project.tasks[task].command.split(" ");
  return [run, "--quiet", ...words, ...args];
}

/**
 * Runs Deno with these words in the project's root. What it says on stderr is passed on as it comes.
 *
 * @param limitSeconds It is ended if it takes longer.
 */
export async function runChild(words: readonly string[], limitSeconds: number): Promise<ChildResult> {
  const started = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...words],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const ends = [
    setTimeout(() => {
      isLate = true;
      child.kill("SIGTERM");
    }, 1000 * limitSeconds),
    // A process that waits for a driver does not always hear.
    setTimeout(() => child.kill("SIGKILL"), 1000 * limitSeconds + GRACE_MS),
  ];
  const stdout = new Collector(child.stdout, Infinity);
  const stderr = new Collector(child.stderr, KEPT, (chunk) => void Deno.stderr.writeSync(chunk));
  const { code } = await child.status;
  ends.forEach(clearTimeout);
  const seconds = (performance.now() - started) / 1000;
  // Its own children may live on and hold its pipes.
  await Promise.all([stdout, stderr].map((collector) => collector.end(GRACE_MS)));
  if (code === 0 && !isLate) return { seconds, stdout: stdout.text };
  const why = isLate ? `took longer than ${limitSeconds} s` : `exit code ${code}`;
  return { seconds, stdout: stdout.text, failed: `${why}: ${stderr.text.trim()}` };
}

/** Reads a stream to its end, and keeps the end of it. */
class Collector {
  text = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>, kept: number, pass: (chunk: Uint8Array) => void = () => {}) {
    this.#reader = stream.getReader();
    this.#done = this.#collect(kept, pass);
  }

  async #collect(kept: number, pass: (chunk: Uint8Array) => void): Promise<void> {
    const decoder = new TextDecoder();
    for (let { value } = await this.#reader.read(); value; { value } = await this.#reader.read()) {
      pass(value);
      this.text += decoder.decode(value, { stream: true });
      if (this.text.length > kept) this.text = this.text.slice(-kept);
    }
  }

  /** Waits for the stream's end, but not for ever. */
  async end(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#reader.cancel(), graceMs);
    await this.#done;
    clearTimeout(timer);
  }
}
