import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { configDifferences, requireSameConfig } from "../../lib/run/config_difference.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { mergeConfigs } from "../../lib/run/merge_config.ts";
import { RUN_FILES, type RunConfig, writeRunConfig } from "../../lib/run/run_directory.ts";
import { trainRun } from "../../lib/run/run.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";

const model = { vocabSize: 11, contextLength: 5, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12 };
const data = { train: { name: "a.npy", tokens: 60, sha256: "a" } };

Deno.test("each setting that differs is named, with both values; a file's place and what was said do not count", () => {
  const config: RunConfig = { ...mergeConfigs([{ model }]), data, backend: "wasm" };
  assertEquals(configDifferences(config, config), []);
  for (const part of ["model", "training"] as const) {
    for (const key of Object.keys(config[part])) {
      const other = { ...config, [part]: { ...config[part], [key]: "other" } };
      const field = `${part}.${key}`;
      const before = (config[part] as unknown as Record<string, unknown>)[key];
      assertEquals(configDifferences(other, config), [{ field, got: "other", expected: before }]);
    }
  }
  const elsewhere: RunConfig = {
    ...config,
    preset: "owt",
    given: [],
    data: { train: { ...data.train, name: "/b/a.npy" } },
  };
  assertEquals(configDifferences(elsewhere, config), []);
  const fields = (other: RunConfig) => configDifferences(other, config).map(({ field }) => field);
  assertEquals(fields({ ...config, backend: "webgpu" }), ["backend"]);
  const other = (more: object) => configDifferences({ ...config, data: { train: { ...data.train, ...more } } }, config);
  assertEquals(other({ sha256: "b" }), [{ field: "data.train.sha256", got: "b", expected: "a" }]);
  assertEquals(other({ name: "/b/a.npy", sha256: "b" }), [{ field: "data.train.sha256", got: "b", expected: "a" }]);
  assertEquals(other({ tokens: 61, sha256: "b" }), [
    { field: "data.train.tokens", got: 61, expected: 60 },
    { field: "data.train.sha256", got: "b", expected: "a" },
  ]);
  assertEquals(fields({ ...config, data: { ...data, valid: data.train } }), ["data.valid"]);
});

Deno.test("a run whose config.json was edited is not resumed; the edit is named and nothing is touched", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await writeNpy(`${dir}/ids.npy`, Uint16Array.from({ length: 60 }, (_, i) => i * i % 11));
    const run = `${dir}/run`;
    const args = `--train ${dir}/ids.npy --out ${run} --vocab-size 11 --context-length 5 --d-model 8 --num-layers 1 ` +
      `--num-heads 2 --d-ff 12 --batch-size 2 --steps 10 --backend wasm`;
    const whole = await capture(trainLm, ...args.split(" "));
    assertEquals(whole.code, 0, whole.stderr);
    const path = `${run}/${RUN_FILES.config}`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace('"steps": 10', '"steps": 20').replace('"lr": 0.003', '"lr": 0.002'));
    const listing = async () => (await Array.fromAsync(Deno.readDir(run))).map(({ name }) => name).sort();
    const before = await listing();

    const { code, stderr } = await capture(trainLm, "--resume", run);
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, `Cannot resume ${run}: got a config.json with training.steps 20 instead of 10`);
    assertStringIncludes(stderr, "training.lr 0.002 instead of 0.003");
    assertStringIncludes(stderr, `--config ${path}`);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
    assertEquals(await listing(), before);

    const sum = /"sha256": "([0-9a-f]{64})"/.exec(text)![1];
    const edited = sum.replace(/^./, (digit) => digit === "0" ? "1" : "0");
    await Deno.writeTextFile(path, text.replace(sum, edited));
    const refused = await capture(trainLm, "--resume", run);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, `config.json with data.train.sha256 "${edited}" instead of "${sum}", must be`);

    // With the file as it was, the run continues; without the file, the checkpoint has all that it said.
    for (const mend of [() => Deno.writeTextFile(path, text), () => Deno.remove(path)]) {
      await mend();
      const { code, stdout } = await capture(trainLm, "--resume", run);
      assertEquals(code, 0);
      assertStringIncludes(stdout, "All 10 steps have already been taken");
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("trainRun refuses a checkpoint of another configuration before it removes anything", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using backend = await createWasmBackend({ workers: 1 });
    const train = tokensInMemory(Array.from({ length: 60 }, (_, i) => i * i % 11));
    const training = { steps: 2, batchSize: 2 };
    const config: RunConfig = {
      ...mergeConfigs([{ model, training }]),
      data: { train: await recordOf(train) },
      backend: "wasm",
    };
    await Array.fromAsync(trainRun({ backend, directory, config, train }));
    const { checkpoint } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
    const other = { ...config, training: { ...config.training, steps: 4 } };
    const run = trainRun({ backend, directory, config: other, train, checkpoint });
    await assertRejects(() => Array.fromAsync(run), UserError, "training.steps 4 instead of 2");
    const left = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
    assert(left.includes(RUN_FILES.weights), "the weights are gone");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a configuration that could not be read again is neither written nor trained", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using backend = await createWasmBackend({ workers: 1 });
    const train = tokensInMemory(Array.from({ length: 60 }, (_, i) => i * i % 11));
    const good = mergeConfigs([{ model, training: { steps: 2, batchSize: 2 } }]);
    const record = { data: { train: await recordOf(train) }, backend: "wasm" } as const;
    for (const bad of [{ clip: Infinity }, { eps: NaN }, { steps: 0 }]) {
      const config: RunConfig = { ...good, ...record, training: { ...good.training, ...bad } };
      const [key] = Object.keys(bad);
      await assertRejects(() => writeRunConfig(directory, config), RangeError, `got ${key}`);
      await assertRejects(
        () => Array.fromAsync(trainRun({ backend, directory, config, train })),
        RangeError,
        `got ${key}`,
      );
    }
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("of two long texts, what is shown is where they differ", () => {
  const texts = fc.tuple(fc.string({ maxLength: 200 }), fc.string({ minLength: 1, maxLength: 90 }), fc.string());
  fc.assert(
    fc.property(texts, ([same, one, other]) => {
      fc.pre(one !== other);
      const configOf = (sum: string): RunConfig => ({
        ...mergeConfigs([{ model }]),
        data: { train: { ...data.train, sha256: `${same}${sum}` } },
        backend: "wasm",
      });
      const checkpoint = { path: "c", state: { step: 1, seconds: 1, config: configOf(other) } };
      const { message } = assertThrows(() => requireSameConfig("r", configOf(one), checkpoint), UserError);
      const [, got, expected] = /sha256 (.*?) instead of (.*?), must be as it was when /s.exec(message)!;
      assert(got !== expected, message);
      assert(message.length < 2000, message);
    }),
    { seed: 3, numRuns: 100 },
  );
});
