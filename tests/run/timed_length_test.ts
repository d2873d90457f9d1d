import { assert, assertEquals } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { withSettings } from "../../lib/run/free_settings.ts";
import { mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory, readRunConfig, type RunConfig } from "../../lib/run/run_directory.ts";
import { TimedLength } from "../../lib/run/timed_length.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { learningRate } from "../../lib/train/schedule.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";
import { Random } from "../harness/random.ts";

/** Seconds that a step takes, by the time. */
type Machine = (seconds: number) => number;

interface Simulated {
  readonly machine: Machine;
  readonly planned: number;
  readonly timeBudget?: number;
  readonly stretch?: number;
  readonly keepsDecay?: boolean;
}

/** A run on a clock of its own, as `train` would do it: how long it took, what its rates were, and its last length. */
function simulate({ machine, planned, timeBudget = 1000, stretch = 1, keepsDecay = false }: Simulated) {
  const random = new Random(5);
  const training = {
    ...TRAINING_DEFAULTS,
    ...{ schedule: "wsd" as const, minLr: 0, steps: planned, timeBudget, validEvery: 40 },
    ...{ warmupSteps: Math.floor(planned / 20), decaySteps: Math.floor(0.3 * planned) },
  };
  const timed = new TimedLength(training, { validates: true, keepsDecay });
  let now = { ...training };
  let [seconds, stretchSeconds, inStretch] = [0, 0, 0];
  const rates: number[] = [];
  for (let step = 0; step < now.steps; step++) {
    rates.push(learningRate(step, now));
    // The first one compiles.
    const took = (step === 0 ? 20 : 0) + machine(seconds) * (0.8 + 0.4 * random.next());
    seconds += took;
    stretchSeconds += took;
    inStretch++;
    const isDone = step === now.steps - 1;
    const isValidated = isDone || (step + 1) % training.validEvery === 0;
    if (!isDone && !isValidated && inStretch < stretch) continue;
    if (isValidated) seconds += 7 * machine(seconds);
    if (!isDone) now = { ...now, ...timed.after({ taken: step + 1, seconds, stretch: inStretch, stretchSeconds }) };
    [stretchSeconds, inStretch] = [0, 0];
  }
  return { seconds, rates, now };
}

Deno.test("a run ends with its time, and its rates are those of its last length", () => {
  const steady: Machine = () => 1;
  // As another program that begins half-way through the plateau, or one that ends there.
  const slower: Machine = (seconds) => seconds < 350 ? 1 : 2;
  const faster: Machine = (seconds) => seconds < 350 ? 2 : 1;
  const cases: readonly Simulated[] = [
    { machine: steady, planned: 900 },
    { machine: steady, planned: 9000 },
    { machine: steady, planned: 90 },
    { machine: slower, planned: 900 },
    { machine: faster, planned: 450 },
    { machine: slower, planned: 900, stretch: 15 },
    { machine: (seconds) => 1.2 + 0.8 * Math.sin(seconds / 5), planned: 700 },
  ];
  for (const simulated of cases) {
    const { seconds, rates, now } = simulate(simulated);
    assert(Math.abs(seconds - 1000) < 60, `${simulated.planned} planned: ${seconds} s`);
    assertEquals(rates, Array.from({ length: now.steps }, (_, step) => learningRate(step, now)));
    // The rate has come down to where another step would have none.
    assert(rates.at(-1)! < 0.02 * TRAINING_DEFAULTS.lr);
    assert(Math.abs(now.decaySteps / now.steps - 0.3) < 0.02, `${now.decaySteps} of ${now.steps}`);
  }
});

Deno.test("a decay of given steps stays so long, and a time that is up ends the run", () => {
  const { now, seconds } = simulate({ machine: () => 1, planned: 2000, keepsDecay: true });
  assertEquals(now.decaySteps, 600);
  assert(Math.abs(seconds - 1000) < 60, `${seconds} s`);
  // Each step takes longer than all of the time: the second still ends it, since the first only compiles.
  const over = simulate({ machine: () => 1, planned: 500, timeBudget: 0.5 });
  assert(over.now.steps <= 4, `${over.now.steps} steps`);
  assertEquals(over.rates.length, over.now.steps);
});

const model = { vocabSize: 7, contextLength: 4, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8 };
const random = new Random(2);
const train = tokensInMemory(random.integers(40, model.vocabSize));
const valid = tokensInMemory(random.integers(40, model.vocabSize));
const data = { train: await recordOf(train), valid: await recordOf(valid) };
const backend = await createWasmBackend({ workers: 1 });

Deno.test("a run fills its time also when it is resumed, and its last config.json takes the same steps", async () => {
  await inTemporaryDirectory(async (place) => {
    const directory = `${place}/timed`;
    const training = { schedule: "wsd", minLr: 0, steps: 10_000_000, timeBudget: 1.5, saveEvery: 50 } as const;
    const config: RunConfig = { ...mergeConfigs([{ model, training }]), data, backend: "wasm", given: [] };
    await createRunDirectory(directory, config);
    const controller = new AbortController();
    const lengths: number[] = [];
    const onLength = (steps: number) => lengths.push(steps);
    for await (
      const { step } of trainRun({ backend, directory, config, train, valid, signal: controller.signal, onLength })
    ) {
      if (step === 60) controller.abort();
    }
    assertEquals((await readRunConfig(directory)).training.steps, lengths.at(-1));
    await Array.fromAsync(resumeRun({ backend, directory, train, valid, onLength }));
    const last = await readRunConfig(directory);
    const metrics = await readMetrics(directory);
    assertEquals([metrics.length, last.training.steps], [lengths.at(-1), lengths.at(-1)]);
    assert(metrics.length < 1_000_000);
    assertEquals(metrics.map(({ lr }) => lr), metrics.map(({ step }) => learningRate(step, last.training)));

    // As --config RUN/config.json reads it: a length, and no time.
    const parts = await readConfigFile(`${directory}/config.json`);
    assertEquals([parts.training?.steps, parts.training?.timeBudget], [metrics.length, undefined]);
    const again = { ...mergeConfigs([parts]), data, backend: "wasm" };
    assertEquals(again.training, { ...withSettings(last, { steps: metrics.length }).training });
    await createRunDirectory(`${place}/again`, again);
    await Array.fromAsync(trainRun({ backend, directory: `${place}/again`, config: again, train, valid }));
    const [sum, expected] = [`${place}/again`, directory].map((run) => sha256OfFile(`${run}/model.safetensors`));
    assertEquals(await sum, await expected);
  });
});
