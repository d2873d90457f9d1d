import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { sweep, type SweepOptions, type SweepRun } from "../../lib/run/sweep.ts";
import { sweepGrid } from "../../lib/run/sweep_grid.ts";
import { bestResult, readResults, type SweepResult } from "../../lib/run/sweep_results.ts";
import { killAtCall } from "../harness/dying_file_system.ts";
import { Random } from "../harness/random.ts";

const train = tokensInMemory(new Random(1).integers(300, 11), "some tokens");
const model = { vocabSize: 11, contextLength: 6, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12 };

async function runsOf(axis: "lr" | "beta2", values: readonly string[], steps = 8): Promise<SweepRun[]> {
  const data = { train: await recordOf(train) };
  return sweepGrid(new Map([[axis, values]])).map((point) => {
    const training = { [axis]: Number(point.settings[axis]), steps, batchSize: 2, saveEvery: 3 };
    return { ...point, config: { ...mergeConfigs([{ model, training }]), data, backend: "wasm" } };
  });
}

async function inDirectory(body: (options: Omit<SweepOptions, "runs">) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body({ directory: `${directory}/sweep`, train, createBackend: () => createWasmBackend({ workers: 1 }) });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a grid has every combination once, and names that are a file's", () => {
  const grid = sweepGrid(new Map([["lr", ["1e-3", "0.1"]], ["batch-size", ["4", "8"]]]));
  assertEquals(grid.map(({ name }) => name), [
    "lr-1e-3_batch-size-4",
    "lr-1e-3_batch-size-8",
    "lr-0.1_batch-size-4",
    "lr-0.1_batch-size-8",
  ]);
  assertEquals(grid[1].settings, { lr: "1e-3", "batch-size": "8" });
  for (const again of ["1", "1.0", "+1", "10e-1"]) {
    const twice = new Map([["lr", ["1", again]]]);
    assertThrows(() => sweepGrid(twice), UserError, `got value ${JSON.stringify(again)}, must be given once`);
  }
  for (const value of ["", "a/b", "..\\x"]) {
    assertThrows(() => sweepGrid(new Map([["norm", [value]]])), UserError, "must be letters and digits");
  }
});

Deno.test("an aborted sweep goes on from the step it stopped at, to the results of one that was not", async () => {
  await inDirectory(async (options) => {
    const runs = await runsOf("lr", ["1e-3", "1e-2", "3e-2"]);
    const whole = await sweep({ ...options, directory: `${options.directory}-whole`, runs });
    assertEquals(whole.map(({ status, steps }) => [status, steps]), [["finished", 8], ["finished", 8], [
      "finished",
      8,
    ]]);

    const controller = new AbortController();
    const stopped = await sweep({
      ...options,
      runs,
      signal: controller.signal,
      follow: async (steps, { run }) => {
        for await (const { step } of steps) if (run === runs[1] && step === 3) controller.abort();
      },
    });
    assertEquals(stopped.map(({ status }) => status), ["finished", "stopped", "waiting"]);
    assert(stopped[1].steps >= 4 && stopped[1].steps < 8, `stopped after ${stopped[1].steps} steps`);
    assertEquals(await readResults(options.directory), stopped);

    const trained: [string, number][] = [];
    const results = await sweep({
      ...options,
      runs,
      follow: async (steps, { run, step }) => {
        trained.push([run.name, step]);
        for await (const _ of steps);
      },
    });
    assertEquals(trained, [[runs[1].name, stopped[1].steps], [runs[2].name, 0]]);
    const bits = (results: readonly SweepResult[]) => results.map(({ seconds: _, ...rest }) => rest);
    assertEquals(bits(results), bits(whole));
  });
});

Deno.test("a sweep that is killed at any of its first calls can be started again", async () => {
  await inDirectory(async (options) => {
    const runs = await runsOf("lr", ["1e-3"], 1);
    let hasTable = false;
    for (let n = 0; !hasTable; n++) {
      const directory = `${options.directory}-${n}`;
      assert(await killAtCall(n, () => sweep({ ...options, directory, runs })));
      hasTable = (await readResults(directory)).length > 0;
      const results = await sweep({ ...options, directory, runs });
      assertEquals(results.map(({ status }) => status), ["finished"], `killed at call ${n}`);
      const names = Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
      assertEquals(names, ["lr-1e-3", "sweep.json", "sweep.tsv"]);
    }
  });
});

Deno.test("a sweep takes more values, and refuses other settings, by name, before it trains", async () => {
  await inDirectory(async (options) => {
    await sweep({ ...options, runs: await runsOf("lr", ["1e-3"]) });
    const refused = async (runs: SweepRun[], problem: string) => {
      await assertRejects(() => sweep({ ...options, runs }), UserError, problem);
      assertEquals((await readResults(options.directory)).map(({ name }) => name), ["lr-1e-3"]);
    };
    await refused(await runsOf("lr", ["1e-2", "1e-3"], 9), "got training.steps 9, must be 8 as in its run lr-1e-3");
    await refused(await runsOf("beta2", ["0.9"]), "got values of beta2, must be of lr");
    const [run] = await runsOf("lr", ["1e-3"]);
    const other = { train: await recordOf(tokensInMemory([1, 2, 3], "other tokens")) };
    await refused([{ ...run, config: { ...run.config, data: other } }], "got other train data (other tokens)");
    const edited = { train: { ...run.config.data.train, tokens: 299 } };
    await refused([{ ...run, config: { ...run.config, data: edited } }], "got data.train.tokens 299, must be 300");
    await refused([{ ...run, config: { ...run.config, backend: "webgpu" } }], "got backend webgpu, must be wasm");

    const names: string[] = [];
    const results = await sweep({
      ...options,
      runs: await runsOf("lr", ["1e-3", "1e-2"]),
      follow: async (steps, { run }) => {
        names.push(run.name);
        for await (const _ of steps);
      },
    });
    assertEquals(names, ["lr-1e-2"]);
    assertEquals(results.length, 2);
  });
});

Deno.test("a run that diverges is noted, with what happened, and not tried again; the others are compared", async () => {
  await inDirectory(async (options) => {
    const runs = await runsOf("lr", ["1e-3", "1e30", "1e-2"]);
    for (let times = 0; times < 2; times++) {
      let trained = 0;
      const results = await sweep({
        ...options,
        runs,
        follow: async (steps) => {
          trained++;
          for await (const _ of steps);
        },
      });
      assertEquals(trained, times === 0 ? 3 : 0);
      assertEquals(results.map(({ status }) => status), ["finished", "diverged", "finished"]);
      assert(results[1].problem?.includes("Training stopped"), results[1].problem);
      const losses = [results[0].loss!, results[2].loss!];
      assertEquals(bestResult(results)?.name, runs[losses[0] < losses[1] ? 0 : 2].name);
    }
  });
});

Deno.test("a sweep's directory is worked in by one at a time; weights without a checkpoint are not given up", async () => {
  await inDirectory(async (options) => {
    const runs = await runsOf("lr", ["1e-3"]);
    const run = `${options.directory}/${runs[0].name}`;
    let refused = 0;
    await sweep({
      ...options,
      runs,
      follow: async (steps) => {
        await assertRejects(() => sweep({ ...options, runs }), UserError, "another process is using it");
        refused++;
        await Array.fromAsync(steps);
      },
    });
    assertEquals(refused, 1);
    const weights = await Deno.readFile(`${run}/model.safetensors`);
    for (const path of [`${options.directory}/sweep.json`, `${run}/checkpoints`]) {
      await Deno.remove(path, { recursive: true });
    }
    await assertRejects(() => sweep({ ...options, runs }), UserError, "got model.safetensors");
    assertEquals(await Deno.readFile(`${run}/model.safetensors`), weights);
  });
});

Deno.test("a run that a sweep leaves out is named, and stays on disk; so is the gap in a log that is gone on with", async () => {
  await inDirectory(async (options) => {
    const told = async (values: readonly string[], more: Partial<SweepOptions> = {}) => {
      const warnings: string[] = [];
      const runs = await runsOf("lr", values);
      const results = await sweep({ ...options, runs, onWarning: (warning) => warnings.push(warning), ...more });
      return { warnings, names: results.map(({ name }) => name) };
    };
    const all = ["1e-3", "2e-3", "3e-3"];
    assertEquals((await told(all)).warnings, []);
    assertEquals((await told(all)).warnings, []);
    const { warnings, names } = await told(["1e-3", "3e-3"]);
    assertEquals(names, ["lr-1e-3", "lr-3e-3"]);
    assertEquals(warnings.length, 1);
    assert(warnings[0].startsWith("lr-2e-3 is no longer part of the sweep in"), warnings[0]);
    assert((await Deno.stat(`${options.directory}/lr-2e-3/model.safetensors`)).isFile);
    // Said once: the table that it was dropped from does not know it any more.
    assertEquals((await told(["1e-3", "3e-3"])).warnings, []);

    const controller = new AbortController();
    const stopAt4 = async (steps: AsyncIterable<{ readonly step: number }>) => {
      for await (const { step } of steps) if (step === 3) controller.abort();
    };
    await told(["1e-3", "3e-3", "4e-3"], { follow: stopAt4, signal: controller.signal });
    await Deno.remove(`${options.directory}/lr-4e-3/metrics.jsonl`);
    const gaps = (await told(["1e-3", "3e-3", "4e-3"])).warnings;
    assertEquals(gaps.length, 1);
    assert(/lr-4e-3\/metrics.jsonl has no line for steps 1 to \d/.test(gaps[0]), gaps[0]);
  });
});
