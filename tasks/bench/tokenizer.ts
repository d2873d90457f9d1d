/**
 * Training and encoding, beside the tokenizers that a user would otherwise pick.
 *
 *   deno task bench tokenizer --text corpus.txt --python venv/bin/python
 */
import { fileURLToPath } from "node:url";
import { formatTable } from "../../lib/accounting/table.ts";
import { writeFully } from "../../lib/io/write_fully.ts";
import { loadTokenizer } from "../../lib/tokenizer/mod.ts";
import { requireInputFile } from "../cli/files.ts";
import type { Flags } from "../cli/flags.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { REPEATS } from "../cli/measuring_flags.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { median } from "../../lib/measure/kernel_time.ts";
import { type ProcessRun, timeProcess } from "./process.ts";

const HELP = `
Trains on a text and encodes it, as whole processes from start to files on disk, in turns with other tokenizers that are
installed in a Python (gigatoken, gigabpe, rustbpe, tokenizers, tokie, quicktok, tiktoken; numpy).

  deno task bench tokenizer --text corpus.txt --python venv/bin/python

  --text FILE         UTF-8 text, with documents separated by <|endoftext|>
  --python PYTHON     a Python with the peers; without it, only this project is measured
  --peer NAME         one of the peers; may be given several times (default: all that are installed)
  --vocab-size N      vocabulary to train; may be given several times (default: 10000, 32000)
  --runs N            runs of each, to show the median of (default: 3)
  --repeat N          encode the text repeated N times, so that start-up time matters less (default: 5)
  --json              all numbers, as JSON
`;

const TASK = {
  name: "bench tokenizer",
  help: HELP,
  flags: {
    text: { type: "string", required: true },
    python: { type: "string" },
    peer: { type: "strings" },
    "vocab-size": { type: "strings", default: ["10000", "32000"] },
    runs: { ...REPEATS, default: 3 },
    repeat: { ...REPEATS, default: 5 },
    json: { type: "boolean" },
  },
} as const;

const TASKS = fileURLToPath(new URL("../", import.meta.url));
const PEERS = fileURLToPath(new URL("../../tests/bench/tokenizer_peers.py", import.meta.url));
const TRAINERS = ["gigatoken", "gigabpe", "rustbpe", "tokenizers"];
const ENCODERS = ["gigatoken", "tokie", "quicktok", "tiktoken", "tokenizers"];

/** One line of the result. */
interface Result {
  readonly work: string;
  readonly tool: string;
  /** Median over the runs. */
  readonly seconds: number;
  readonly megabytesPerSecond: number;
  readonly peakBytes?: number;
}

/** A tool's way of doing one piece of work. */
type Contender = readonly [tool: string, run: () => Promise<Pick<ProcessRun, "seconds" | "peakBytes">>];

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, bench);
}

async function bench(flags: Flags<typeof TASK.flags>): Promise<void> {
  const bytes = await requireInputFile(flags.text);
  const { python } = flags;
  const installed = python === undefined ? [] : (await timeProcess(python, [PEERS, "list"])).stdout.trim().split(" ");
  const peers = flags.peer.length === 0 ? installed : installed.filter((name) => flags.peer.includes(name));
  const directory = await Deno.makeTempDir({ prefix: "bench-tokenizer-" });
  try {
    const results: Result[] = [];
    const sizes = flags["vocab-size"];
    for (const size of sizes) {
      const out = `${directory}/${size}`;
      const train = ["--input", flags.text, "--vocab-size", size, "--out", out, "--force"];
      results.push(
        ...await compare(`train ${size}`, bytes, flags.runs, [
          ["bytelm", () => runOwn("train_bpe", train)],
          ...TRAINERS.filter((name) => peers.includes(name)).map((name): Contender => [
            name,
            () => timeProcess(python!, [PEERS, "train", name, flags.text, size]),
          ]),
        ]),
      );
    }
    const tokenizer = `${directory}/${sizes[0]}`;
    const long = `${directory}/long.txt`;
    await writeRepeated(flags.text, long, flags.repeat);
    const encode = ["--tokenizer", tokenizer, "--input", long, "--out", `${directory}/ids.npy`, "--force"];
    const encoders = ENCODERS.filter((name) => peers.includes(name));
    results.push(
      ...await compare("encode to .npy", bytes * flags.repeat, flags.runs, [
        ["bytelm", () => runOwn("encode", encode)],
        ...encoders.map((name): Contender => [
          name,
          () =>
            timeProcess(python!, [PEERS, "encode", name, long, `${tokenizer}/tokenizer.json`, `${directory}/p.npy`]),
        ]),
      ]),
      ...await compare("encode, one thread", bytes, flags.runs, [
        ["bytelm", () => encodeHere(tokenizer, flags.text)],
        ...encoders.map((name): Contender => [name, async () => {
          const args = [PEERS, "single", name, flags.text, `${tokenizer}/tokenizer.json`];
          const { stdout } = await timeProcess(python!, args, { TOKENIZERS_PARALLELISM: "false" });
          return { seconds: Number(stdout), peakBytes: undefined };
        }]),
      ]),
    );
    print(results, flags.json);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs the contenders by turns, so that a change in the machine's speed meets all alike. */
async function compare(work: string, bytes: number, runs: number, contenders: readonly Contender[]): Promise<Result[]> {
  const times = contenders.map((): number[] => []);
  const peaks = contenders.map((): number[] => []);
  for (let round = 0; round < runs; round++) {
    for (const [i, [tool, run]] of contenders.entries()) {
      console.error(`${work}: ${tool}, run ${round + 1} of ${runs}`);
      const { seconds, peakBytes } = await run();
      times[i].push(seconds);
      if (peakBytes !== undefined) peaks[i].push(peakBytes);
    }
  }
  return contenders.map(([tool], i) => {
    const seconds = median(times[i]);
    const result = { work, tool, seconds, megabytesPerSecond: bytes / seconds / 1e6 };
    return peaks[i].length === 0 ? result : { ...result, peakBytes: Math.max(...peaks[i]) };
  });
}

function runOwn(script: string, args: readonly string[]): Promise<ProcessRun> {
  return timeProcess(Deno.execPath(), ["run", "--no-check", "-A", `${TASKS}${script}.ts`, ...args]);
}

/** One call of `encode` in this process, after one to warm up, as a peer's second pass is. */
async function encodeHere(directory: string, path: string): Promise<Pick<ProcessRun, "seconds" | "peakBytes">> {
  const tokenizer = await loadTokenizer(directory);
  const text = await Deno.readFile(path);
  const times = [0, 1].map(() => {
    const start = performance.now();
    tokenizer.encode(text);
    return (performance.now() - start) / 1000;
  });
  return { seconds: Math.min(...times), peakBytes: undefined };
}

async function writeRepeated(path: string, out: string, times: number): Promise<void> {
  using file = await Deno.open(out, { write: true, createNew: true });
  for (let i = 0; i < times; i++) {
    using source = await Deno.open(path);
    for await (const piece of source.readable) await writeFully(file, piece);
  }
}

function print(results: readonly Result[], json: boolean): void {
  const machine = describeMachine();
  if (json) {
    console.log(JSON.stringify({ machine, results }, null, 2));
    return;
  }
  const rows = results.map(({ work, tool, seconds, megabytesPerSecond, peakBytes }) => {
    const own = results.find((other) => other.work === work && other.tool === "bytelm")!;
    return [
      work,
      tool,
      seconds.toFixed(2),
      megabytesPerSecond.toFixed(1),
      peakBytes === undefined ? "" : (peakBytes / 1e6).toFixed(0),
      (seconds / own.seconds).toFixed(2),
    ];
  });
  console.log(formatMachine(machine));
  console.log(formatTable(["work", "tool", "seconds", "MB/s", "peak MB", "time / bytelm's"], rows, [1]));
}

if (import.meta.main) await runProgram(main);
