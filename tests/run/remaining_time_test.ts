import { assert, assertEquals } from "@std/assert";
import { RemainingTime } from "../../lib/run/remaining_time.ts";
import { Random } from "../harness/random.ts";

const TOKENS_PER_STEP = 100;

/** A run of steps of one second each, give or take, with a validation of five seconds after every tenth. */
function runOf(steps: number, { from = 0, stretch = 1 }: { from?: number; stretch?: number } = {}) {
  const random = new Random(1);
  const metrics: { step: number; seconds: number; tokensPerSecond: number }[] = [];
  // The first step compiles; a resumed run has spent time before.
  let seconds = 2 * from + 30;
  for (let step = from; step < steps; step += stretch) {
    const taken = Array.from({ length: Math.min(stretch, steps - step) }, () => 0.2 + 1.6 * random.next());
    const time = taken.reduce((sum, t) => sum + t, 0);
    seconds += time;
    const tokensPerSecond = TOKENS_PER_STEP * taken.length / time;
    // As in a run, the stretch's steps have one time, and what comes between stretches is in the next one's.
    for (let i = 0; i < taken.length; i++) metrics.push({ step: step + i, seconds, tokensPerSecond });
    if ((step + stretch) % 10 === 0) seconds += 5;
  }
  return { metrics, end: seconds };
}

Deno.test("the time left is that of the steps and of what comes between them, and does not jump", () => {
  for (const options of [{}, { from: 300 }, { stretch: 5 }]) {
    const { metrics } = runOf(1000, options);
    const remaining = new RemainingTime(TOKENS_PER_STEP);
    const left = metrics.map((line) => remaining.after(line, 1000));
    const end = metrics.at(-1)!.seconds;
    const first = metrics[0].step;
    for (const [i, { step, seconds }] of metrics.entries()) {
      assert(left[i] >= 0 && Number.isFinite(left[i]), `step ${step}: ${left[i]}`);
      if (step < first + 200 || step === 999) continue;
      // 1.5 s a step in truth.
      const truth = end - seconds;
      assert(Math.abs(left[i] - truth) < 0.1 * truth + 10, `step ${step}: ${left[i]} instead of ${truth}`);
      assert(
        Math.abs(left[i] - left[i - 1]) < 0.05 * left[i - 1] + 8,
        `step ${step}: from ${left[i - 1]} to ${left[i]}`,
      );
    }
    assertEquals(left.at(-1), 0);
  }
});

Deno.test("until a second time is known, the time left follows the first throughput", () => {
  const remaining = new RemainingTime(TOKENS_PER_STEP);
  for (const step of [0, 1, 2]) {
    assertEquals(remaining.after({ step, seconds: 40, tokensPerSecond: 50 }, 11), (10 - step) * 2);
  }
  assertEquals(remaining.after({ step: 4, seconds: 46, tokensPerSecond: 1 }, 11), 6 * 3);
});
