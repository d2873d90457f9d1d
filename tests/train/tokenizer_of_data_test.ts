import { assertEquals, assertMatch, assertRejects } from "@std/assert";
// Through the public API, as a program of somebody else's would.
import { identifyTokenizer } from "../../lib/corpus/mod.ts";
import { createRunDirectory, loadRunTokenizer, sweep } from "../../lib/train/mod.ts";
import {
  createBackend,
  initialWeights,
  mergeConfigs,
  recordOf,
  saveTokenizer,
  tokensInMemory,
  train,
  trainBpe,
  trainRun,
  Transformer,
  UserError,
} from "../../mod.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const english = await trainBpe(TEXT, { vocabSize: 262 });
const other = await trainBpe(TEXT.replaceAll("t", "x"), { vocabSize: 262 });
const source = (tokenizer: typeof english) =>
  tokensInMemory(tokenizer.encode(TEXT), "some tokens", { tokenizer: identifyTokenizer(tokenizer) });
const MODEL = { contextLength: 8, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8 };

Deno.test("tokens and a tokenizer that do not belong together are refused by everything that trains", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await using backend = await createBackend("wasm", { workers: 1 });
    const { model, training } = mergeConfigs([{ model: MODEL, training: { steps: 1, batchSize: 2 } }], 262);
    const config = { model, training, data: { train: await recordOf(source(english)) }, backend: "wasm" as const };
    const transformer = new Transformer(model);
    const weights = initialWeights(model, 0);
    await createRunDirectory(`${dir}/run`, config, english);
    await Deno.writeTextFile(`${dir}/run/model.safetensors`, "weights of an earlier end");
    const mismatches = [
      { train: source(other), tokenizer: english },
      { train: source(english), tokenizer: other },
      { train: source(english), valid: source(other) },
      { train: source(english), valid: source(other), tokenizer: english },
    ];
    for (const data of mismatches) {
      const start = () => Array.fromAsync(train({ backend, model: transformer, config: training, weights, ...data }));
      await assertRejects(start, UserError, "Cannot use some tokens");
      const run = () => Array.fromAsync(trainRun({ backend, directory: `${dir}/run`, config, ...data }));
      await assertRejects(run, UserError, "Cannot use some tokens");
      const runs = [{ name: "a", settings: {}, config }];
      const options = { directory: `${dir}/sweep`, runs, createBackend: () => createBackend("wasm"), ...data };
      await assertRejects(() => sweep(options), UserError, "Cannot use some tokens");
    }
    assertEquals(await Deno.readTextFile(`${dir}/run/model.safetensors`), "weights of an earlier end");
    assertEquals(Array.from(Deno.readDirSync(dir), ({ name }) => name), ["run"]);

    const says = /^Cannot use some tokens with the tokenizer /;
    const made = await assertRejects(() => createRunDirectory(`${dir}/new`, config, other), UserError);
    assertMatch(made.message, says);
    assertEquals((await loadRunTokenizer(`${dir}/run`)).vocabSize, 262);
    await saveTokenizer(other, `${dir}/run`);
    await assertRejects(() => loadRunTokenizer(`${dir}/run`), UserError, `Cannot use run ${dir}/run: got a tokenizer`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
