// Memory and speed over a long training and many texts, as slopes: what grows by a little grows without end.
import type { Attack, Campaign } from "./campaign.ts";
import { type ChildOptions, type Ended, runChild } from "./child.ts";
import { inputCommands, INPUTS } from "./kill_jobs.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

const STEPS = 20_000;
const TEXTS = 2_000;

/** Bytes that a step, or a text, may add. */
const MAX_SLOPE = 200;

/** A step may be this share slower at the end than at the beginning. */
const MAX_SLOWER = 0.25;

export const longRuns: Campaign = {
  name: "long-runs",
  unit: "steps and texts",
  holds: `memory grows by less than ${MAX_SLOPE} bytes a step or text, and steps stay as fast`,
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
      onMemory: (bytes) => points.push({ seconds: performance.now() / 1000, bytes }),
    },
  );
  const lines = (await Deno.readTextFile(`${inputs}/run/metrics.jsonl`)).trimEnd().split("\n");
  attack.tries += lines.length;
  if (ended.code !== 0 && ended.code !== 143) {
    attack.fault(`train-lm ended with ${ended.code}: ${ended.stderr.slice(-300)}`);
  }
  judgeMemory(attack, "bytes a step", points, lines.length);
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
    onMemory: (bytes) => points.push({ seconds: performance.now() / 1000, bytes }),
  });
  attack.tries += TEXTS;
  if (ended.code !== 0) attack.fault(`generate ended with ${ended.code}: ${ended.stderr.slice(-300)}`);
  judgeMemory(attack, "bytes a text", points, TEXTS);
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

/** Memory held at a time. */
interface Point {
  readonly seconds: number;
  readonly bytes: number;
}

/** Notes the slope of the second half: in the first, code is compiled and heaps find their size. */
function judgeMemory(attack: Attack, what: string, points: readonly Point[], count: number): void {
  if (points.length < 20) return; // the system does not tell, or it was over at once
  const half = points.slice(Math.floor(points.length / 2));
  const perSecond = slopeOf(half);
  const seconds = points.at(-1)!.seconds - points[0].seconds;
  const slope = perSecond * seconds / count;
  attack.figures[what] = Math.round(slope);
  if (!(slope < MAX_SLOPE)) attack.fault(`memory grows by ${slope.toFixed(0)} ${what}`);
}

/** The line through points by the median of slopes between the first half's points and the second's (Theil–Sen). */
function slopeOf(points: readonly Point[]): number {
  const middle = Math.floor(points.length / 2);
  const slopes = points.slice(0, middle).map((point, i) => {
    const other = points[i + middle];
    return (other.bytes - point.bytes) / (other.seconds - point.seconds);
  });
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)];
}

/** Seconds a step between two shares of a run. */
function paceOf(seconds: readonly number[], from: number, to: number): number {
  const [first, last] = [from, to].map((share) => Math.floor(share * (seconds.length - 1)));
  return (seconds[last] - seconds[first]) / (last - first);
}
