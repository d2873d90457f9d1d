// Memory and speed over a long training and many texts, as slopes: what grows by a little grows without end.
import type { Attack, Campaign } from "./campaign.ts";
import { median } from "../../lib/measure/kernel_time.ts";
import { type ChildOptions, type Ended, type LiveMemory, runChild } from "./child.ts";
import { inputCommands, INPUTS } from "./kill_jobs.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

const STEPS = 100_000;
const TEXTS = 10_000;

/** Bytes of the heap that a step, or a text, may add. */
const MAX_SLOPE = 200;

/** Bytes that the process may hold more at its end than in the middle. The engine takes memory by leaps of some megabytes. */
const MAX_HELD_MORE = 16 << 20;

/** Into so many stretches a part of a run is divided, to see how fast its steps are. */
const STRETCHES = 100;

/** A step may be this share slower at the end than at the beginning. */
const MAX_SLOWER = 0.25;

export const longRuns: Campaign = {
  name: "long-runs",
  unit: "steps and texts",
  holds: `the heap grows by less than ${MAX_SLOPE} bytes a step or text, and steps stay as fast`,
  goal: STEPS + TEXTS,
  run: async (attack: Attack) => {
    const inputs = attack.directory;
    await Deno.copyFile(TEXT, `${inputs}/${INPUTS.text}`);
    for (const command of inputCommands(inputs)) await runChild(command);
    await trainLong(attack, inputs);
    if (attack.goesOn) await generateMany(attack, inputs);
  },
};

async function trainLong(attack: Attack, inputs: string): Promise<void> {
  const tokens = `${inputs}/${INPUTS.tokens}`;
  const shape = "--context-length 16 --d-model 16 --num-layers 2 --num-heads 2 --d-ff 16 --batch-size 2 --backend wasm";
  const how = ["--steps", String(STEPS), "--save-every", "1000", "--valid-every", "500", "--valid-batches", "2"];
  const files = ["--train", tokens, "--valid", tokens, "--tokenizer", `${inputs}/${INPUTS.tokenizer}`];
  const points: Point[] = [];
  const ended = await runWatched(
    attack,
    "train_lm",
    [...files, ...shape.split(" "), ...how, "--out", `${inputs}/run`],
    {
      onLiveMemory: (memory) => points.push({ seconds: performance.now() / 1000, ...memory }),
    },
  );
  const lines = (await Deno.readTextFile(`${inputs}/run/metrics.jsonl`)).trimEnd().split("\n");
  attack.tries += lines.length;
  if (ended.code !== 0 && ended.code !== 143) {
    attack.fault(`train-lm ended with ${ended.code}: ${ended.stderr.slice(-300)}`);
  }
  judgeMemory(attack, "step", points, lines.length);
  const seconds = lines.map((line) => (JSON.parse(line) as { seconds: number }).seconds);
  const [early, late] = [paceOf(seconds, 0.1, 0.4), paceOf(seconds, 0.7, 1)];
  attack.figures["% slower at the end"] = Math.round(100 * (late / early - 1));
  if (!(late / early - 1 <= MAX_SLOWER)) {
    attack.fault(`steps take ${(1e3 * early).toFixed(2)} ms, then ${(1e3 * late).toFixed(2)} ms`);
  }
}

async function generateMany(attack: Attack, inputs: string): Promise<void> {
  const prompts = new TextEncoder().encode(Array.from({ length: TEXTS }, (_, i) => `text ${i}\n`).join(""));
  const points: Point[] = [];
  const args = ["--run", `${inputs}/run`, "--interactive", "--max-tokens", "20", "--backend", "wasm"];
  const ended = await runWatched(attack, "generate", args, {
    stdin: prompts,
    onLiveMemory: (memory) => points.push({ seconds: performance.now() / 1000, ...memory }),
  });
  attack.tries += TEXTS;
  if (ended.code !== 0) attack.fault(`generate ended with ${ended.code}: ${ended.stderr.slice(-300)}`);
  judgeMemory(attack, "text", points, TEXTS);
}

/** Runs a task until its end, or until the campaign's time is over. */
async function runWatched(attack: Attack, task: string, args: string[], options: ChildOptions): Promise<Ended> {
  const afterSeconds = Math.max(10, attack.secondsLeft);
  const endings = [
    { signal: "SIGTERM" as const, afterSeconds },
    { signal: "SIGKILL" as const, afterSeconds: afterSeconds + 60 },
  ];
  return await runChild({ task, args }, { ...options, endings });
}

/** Memory at a time. */
interface Point extends LiveMemory {
  readonly seconds: number;
}

/** Judges the second half: in the first, code is compiled and heaps find their size. */
function judgeMemory(attack: Attack, what: string, points: readonly Point[], count: number): void {
  if (points.length < 20) return; // it was over at once
  const half = points.slice(Math.floor(points.length / 2));
  const middle = Math.floor(half.length / 2);
  const [early, late] = [half.slice(0, middle), half.slice(middle)];
  const perPoint = count / points.length;
  // The middle one of the slopes between points half as far apart as the half is long (Theil–Sen).
  const slope = median(early.map(({ heap }, i) => (late[i].heap - heap) / (middle * perPoint)));
  const heldMore = median(late.map(({ held }) => held)) - median(early.map(({ held }) => held));
  attack.figures[`bytes of heap a ${what}`] = Math.round(slope);
  attack.figures[`MB held more after ${count.toLocaleString("en-US")} ${what}s`] = Math.round(heldMore / 1e6);
  if (!(slope < MAX_SLOPE)) attack.fault(`the heap grows by ${slope.toFixed(0)} bytes a ${what}`);
  if (!(heldMore < MAX_HELD_MORE)) attack.fault(`the process holds ${(heldMore / 1e6).toFixed(0)} MB more at its end`);
}

/** Seconds a step between two shares of a run: the middle one of many stretches, since other programs may run meanwhile. */
function paceOf(seconds: readonly number[], from: number, to: number): number {
  const [first, last] = [from, to].map((share) => Math.floor(share * (seconds.length - 1)));
  const length = Math.max(1, Math.floor((last - first) / STRETCHES));
  const paces: number[] = [];
  for (let at = first; at + length <= last; at += length) paces.push((seconds[at + length] - seconds[at]) / length);
  return median(paces);
}
