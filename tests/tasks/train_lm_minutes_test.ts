import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { sha256OfFile } from "../../lib/io/sha256.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { readModelConfig, readRunConfig } from "../../lib/run/run_directory.ts";
import { RECIPES } from "../../lib/run/recipes.ts";
import { Random } from "../harness/random.ts";
import { runTaskProcess } from "../harness/run_task.ts";

async function withData(body: (dir: string, data: string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const random = new Random(3);
    for (const [name, length] of [["train", 60_000], ["valid", 3000]] as const) {
      await writeNpy(`${dir}/${name}.npy`, Uint16Array.from(random.integers(length, 50)));
    }
    const files = ["--train", `${dir}/train.npy`, "--valid", `${dir}/valid.npy`];
    await body(dir, [...files, "--vocab-size", "50", "--valid-batches", "2", "--backend", "wasm"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function train(args: string[]): Promise<string> {
  const { code, stderr } = await runTaskProcess("train-lm", args);
  assertEquals(code, 0, stderr);
  return stderr;
}

Deno.test("--minutes chooses steps and a model, says so, saves both, and leaves no trace in the weights", async () => {
  await withData(async (dir, data) => {
    const said = await train([...data, "--minutes", "0.15", "--batch-size", "2", "--out", `${dir}/timed`]);
    assertMatch(said, /Chose d_model \d+, .+ parameters\n {2}\d+ models? measured; (nearest|the largest)/);
    const { training, recipe } = await readRunConfig(`${dir}/timed`);
    assertEquals(recipe, "modern");
    const model = await readModelConfig(`${dir}/timed`);
    assertMatch(said, new RegExp(`Chose d_model ${model.dModel}, ${model.numLayers} layers`));
    const planned = Number(/Chose ([\d,]+) steps of [\d,]+ tokens/.exec(said)?.[1].replaceAll(",", ""));
    const { warmupShare } = RECIPES.modern;
    assertEquals([training.batchSize, training.warmupSteps], [2, Math.floor(planned * warmupShare)]);
    const { schedule, minLr, timeBudget, ...length } = training;
    assertEquals([schedule, minLr], ["wsd", 0]);
    assert(timeBudget! > 1 && timeBudget! < 9, `${timeBudget} s to fill`);
    assertEquals((await readMetrics(`${dir}/timed`)).length, training.steps);
    const left = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
    assertEquals(left, ["timed", "train.npy", "valid.npy"]);

    // The same configuration without measuring.
    await train([...data, "--config", `${dir}/timed/config.json`, "--out", `${dir}/told`]);
    assertEquals((await readRunConfig(`${dir}/told`)).training, { ...length, schedule, minLr });
    const sums = ["timed", "told"].map((run) => sha256OfFile(`${dir}/${run}/model.safetensors`));
    assertEquals(await sums[0], await sums[1]);
  });
});

Deno.test("--minutes leaves the model that was asked for, and a time that is too short is refused", async () => {
  await withData(async (dir, data) => {
    const size = "--context-length 16 --d-model 12 --num-layers 1 --num-heads 3 --d-ff 20".split(" ");
    const said = await train([...data, ...size, "--minutes", "0.08", "--out", `${dir}/run`]);
    assert(!said.includes("models measured"), said);
    const model = await readModelConfig(`${dir}/run`);
    assertEquals([model.contextLength, model.dModel, model.numLayers, model.dFf], [16, 12, 1, 20]);

    const args = [...data, ...size, "--minutes", "0.000001", "--out", `${dir}/none`];
    const { code, stderr } = await runTaskProcess("train-lm", args);
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /error: Cannot train in .+ minutes: the device needs .+\. Give more minutes/);
    const left = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
    assertEquals(left, ["run", "train.npy", "valid.npy"]);
  });
});
