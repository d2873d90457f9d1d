import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { fixedBatches } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { writeWeights } from "../../lib/model/weights.ts";
import { weightsFrom } from "../../lib/model/weights_file.ts";
import { latestCheckpoint, listCheckpoints } from "../../lib/run/checkpoint.ts";
import { courseOf } from "../../lib/run/course.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { trainRun } from "../../lib/run/run.ts";
import { createRunDirectory, findWeights, NoWeightsError } from "../../lib/run/run_directory.ts";
import type { TrainingConfig } from "../../lib/train/config.ts";
import { Random } from "../harness/random.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const model = { vocabSize: 7, contextLength: 4, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000 };
const random = new Random(2);
const train = tokensInMemory(random.integers(400, model.vocabSize));
const valid = tokensInMemory(random.integers(60, model.vocabSize));
const data = { train: await recordOf(train), valid: await recordOf(valid) };
const backend = await createWasmBackend({ workers: 1 });
const configOf = (more: Partial<TrainingConfig>) => ({
  ...mergeConfigs([{
    model,
    training: { steps: 13, batchSize: 2, validEvery: 5, validBatches: 3, saveEvery: 3, keep: 9, seed: 1, ...more },
  }]),
  ...{ data, backend: "wasm" },
});
type Config = ReturnType<typeof configOf>;

/** At a high and constant rate the average is better; a short run at a low one is behind with an average over all of it. */
const AVERAGE_WINS = configOf({ averageWeights: 0.5, schedule: "constant", lr: 0.1, warmupSteps: 0 });
const LIVE_WINS = configOf({ averageWeights: 1, lr: 0.003, schedule: "constant", warmupSteps: 0 });

async function trainAll(directory: string, config: Config): Promise<void> {
  await createRunDirectory(directory, config);
  await Array.fromAsync(trainRun({ backend, directory, config, train, valid }));
}

/** Everything that must not depend on interruptions. */
async function outcome(run: string) {
  const metrics = (await readMetrics(run)).map(({ tokensPerSecond: _, seconds: __, ...rest }) => rest);
  const { checkpoint } = await latestCheckpoint(`${run}/checkpoints`);
  const files = ["model.safetensors", "best.safetensors"].map((name) => `${run}/${name}`);
  const kept = ["weights", "average", "optimizer"].map((name) => `${checkpoint!.path}/${name}.safetensors`);
  return { metrics, sums: await Promise.all([...files, ...kept].map(sha256OfFile)), better: checkpoint!.state.better };
}

async function lossOf(path: string): Promise<number> {
  const shape = new Transformer(AVERAGE_WINS.model);
  using file = await Safetensors.open(path);
  using evaluator = await Evaluator.create(backend, shape, 2);
  await writeWeights(backend, shape, weightsFrom(file, path));
  const batches = fixedBatches(valid, { batchSize: 2, seqLen: model.contextLength, vocabSize: model.vocabSize }, 3);
  const loss = await evaluator.meanLoss(batches);
  shape.release(backend);
  return loss;
}

Deno.test("the run's model is the better of the weights and their average, and says which", async () => {
  await inTemporaryDirectory(async (place) => {
    for (const [config, winner] of [[AVERAGE_WINS, "average"], [LIVE_WINS, "live"]] as const) {
      const run = `${place}/${winner}`;
      await trainAll(run, config);
      const metrics = await readMetrics(run);
      const measured = metrics.filter(({ validLoss }) => validLoss !== undefined);
      assertEquals(measured.map(({ step }) => step), [4, 9, 12]);
      const { validLoss, averageValidLoss } = metrics.at(-1)!;
      assertEquals(averageValidLoss! < validLoss!, winner === "average", `${averageValidLoss} and ${validLoss}`);

      const paths = { live: await findWeights(run, "live"), average: await findWeights(run, "average") };
      assertEquals([await lossOf(paths.live), await lossOf(paths.average)], [validLoss, averageValidLoss]);
      using kept = await Safetensors.open(`${run}/model.safetensors`);
      using chosen = await Safetensors.open(paths[winner]);
      assertEquals(kept.metadata, { weights: winner });
      for (const name of chosen.tensors.keys()) {
        assertEquals(await kept.readFloats(name), await chosen.readFloats(name), name);
      }
      const lowest = Math.min(...measured.flatMap((line) => [line.validLoss!, line.averageValidLoss!]));
      assertEquals(await lossOf(`${run}/best.safetensors`), lowest);
      const course = courseOf(metrics)!;
      assertEquals(course.validLoss, Math.min(validLoss!, averageValidLoss!));
      assertEquals([course.lowestValidLoss, course.lastOfBoth], [lowest, { validLoss, averageValidLoss }]);
      const { checkpoint } = await latestCheckpoint(`${run}/checkpoints`);
      assertEquals([checkpoint!.state.better, checkpoint!.state.best?.validLoss], [winner, lowest]);
      // While the run goes on, or after it was killed, its weights are those.
      await Deno.remove(`${run}/model.safetensors`);
      assertEquals(await findWeights(run), paths[winner]);
    }
  });
});

Deno.test("an average goes on with the same bits, wherever the run was stopped or killed", async () => {
  await inTemporaryDirectory(async (place) => {
    await trainAll(`${place}/whole`, AVERAGE_WINS);
    const whole = await outcome(`${place}/whole`);
    for (const at of [0, 1, 2, 4, 5, 8, 11]) {
      for (const how of ["stopped", "killed"] as const) {
        const run = `${place}/${how}${at}`;
        await createRunDirectory(run, AVERAGE_WINS);
        const controller = new AbortController();
        const options = { backend, directory: run, config: AVERAGE_WINS, train, valid, signal: controller.signal };
        for await (const { step } of trainRun(options)) {
          if (step < at) continue;
          // Without its last checkpoint, as a run that is killed.
          if (how === "killed") break;
          controller.abort();
        }
        await Array.fromAsync(resumeRun({ backend, directory: run, train, valid }));
        assertEquals(await outcome(run), whole, `${how} at step ${at}`);
      }
    }
  });
});

Deno.test("an average that is damaged, or over another share, is refused by name", async () => {
  await inTemporaryDirectory(async (place) => {
    const run = `${place}/run`;
    await trainAll(run, AVERAGE_WINS);
    const newest = (await listCheckpoints(`${run}/checkpoints`)).at(-1)!;
    const bytes = await Deno.readFile(`${newest}/average.safetensors`);
    bytes[bytes.length - 1] ^= 1;
    await Deno.writeFile(`${newest}/average.safetensors`, bytes);
    const { checkpoint, damaged } = await latestCheckpoint(`${run}/checkpoints`);
    assertEquals([checkpoint!.state.step, damaged.length], [12, 1]);
    assertStringIncludes(damaged[0].problem, "average.safetensors that does not match its checksum");

    const other = { ...AVERAGE_WINS, training: { ...AVERAGE_WINS.training, averageWeights: 0.1 } };
    const again = trainRun({ backend, directory: run, config: other, train, valid, checkpoint });
    const { message } = await assertRejects(() => Array.fromAsync(again), UserError);
    assertStringIncludes(message, "training.averageWeights 0.1 instead of 0.5");

    const plain = `${place}/plain`;
    await trainAll(plain, configOf({}));
    assert(!(await listCheckpoints(`${plain}/checkpoints`)).some((path) => path.includes("average")));
    for (const which of ["average", "live"] as const) {
      const found = findWeights(plain, which);
      if (which === "live") assertStringIncludes(await found, "weights.safetensors");
      else assertStringIncludes((await assertRejects(() => found, NoWeightsError)).message, "keeps no average");
    }
    using file = await Safetensors.open(`${plain}/model.safetensors`);
    assertEquals(file.metadata, {});
  });
});

Deno.test("without validations, the run's model is the average that was asked for", async () => {
  await inTemporaryDirectory(async (place) => {
    const config = { ...LIVE_WINS, data: { train: data.train } };
    await createRunDirectory(`${place}/run`, config);
    await Array.fromAsync(trainRun({ backend, directory: `${place}/run`, config, train }));
    using kept = await Safetensors.open(`${place}/run/model.safetensors`);
    using average = await Safetensors.open(await findWeights(`${place}/run`, "average"));
    assertEquals(kept.metadata, { weights: "average" });
    for (const name of average.tensors.keys()) {
      assertEquals(await kept.readFloats(name), await average.readFloats(name));
    }
  });
});
