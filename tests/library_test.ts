import { assert, assertEquals, assertRejects } from "@std/assert";
import { toText } from "@std/streams";
// Nothing but the public API: what the tasks do can be done without them.
import {
  type Backend,
  createBackend,
  findWeights,
  latestCheckpoint,
  loadTokenizer,
  mergeConfigs,
  openTokens,
  readMetrics,
  readModelConfig,
  readRunConfig,
  recordOf,
  requireVocabulary,
  RUN_FILES,
  Safetensors,
  saveTokenizer,
  scoreTokens,
  type StepMetrics,
  TextGenerator,
  tokensInMemory,
  trainBpe,
  trainRun,
  Transformer,
  untilStopString,
  UserError,
  weightsFrom,
  writeNpy,
  writeRunConfig,
  writeWeights,
} from "../mod.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(40);
const STEPS = 9;

/** As train-lm begins a run. */
async function startRun(directory: string, backend: Backend): Promise<void> {
  const tokenizer = await trainBpe(TEXT, { vocabSize: 270 });
  await Deno.mkdir(directory);
  await writeNpy(`${directory}/train.npy`, tokenizer.encode(TEXT));
  using train = await openTokens(`${directory}/train.npy`);
  const model = { contextLength: 16, dModel: 16, numLayers: 1, numHeads: 2, dFf: 24 };
  const training = { steps: STEPS, batchSize: 4, saveEvery: 3, validEvery: 4 };
  const config = mergeConfigs([{ preset: "tiny", model, training }], tokenizer.vocabSize);
  await requireVocabulary(train, config.model.vocabSize);
  await saveTokenizer(tokenizer, directory);
  await writeRunConfig(directory, { ...config, data: { train: await recordOf(train) }, backend: backend.name });
}

/** Continues a run as train-lm does, until it ends or `stopAfter` was seen. */
async function goOn(directory: string, backend: Backend, stopAfter = Infinity): Promise<StepMetrics[]> {
  const { checkpoint } = await latestCheckpoint(`${directory}/${RUN_FILES.checkpoints}`);
  const config = checkpoint?.state.config ?? await readRunConfig(directory);
  using train = await openTokens(config.data.train.name);
  const controller = new AbortController();
  const { signal } = controller;
  const seen: StepMetrics[] = [];
  for await (const metrics of trainRun({ backend, directory, config, train, valid: train, checkpoint, signal })) {
    seen.push(metrics);
    if (metrics.step >= stopAfter) controller.abort();
  }
  return seen;
}

const losses = (metrics: readonly StepMetrics[]) => metrics.map(({ loss, validLoss }) => [loss, validLoss]);

Deno.test("with mod.ts alone: train, abort, resume, score and generate", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await using backend = await createBackend("wasm", { workers: 2 });
    await startRun(`${dir}/whole`, backend);
    const whole = await goOn(`${dir}/whole`, backend);
    assertEquals(whole.length, STEPS);
    assert(whole[STEPS - 1].loss < whole[0].loss);

    const run = `${dir}/stopped`;
    await startRun(run, backend);
    const before = await goOn(run, backend, 3);
    assert(before.length > 3 && before.length < STEPS, `stopped after ${before.length} steps`);
    const after = await goOn(run, backend);
    assertEquals(losses([...before, ...after]), losses(whole));
    assertEquals(losses(await readMetrics(run)), losses(whole));

    const tokenizer = await loadTokenizer(run);
    const model = new Transformer(await readModelConfig(run));
    const path = await findWeights(run);
    using weights = await Safetensors.open(path);
    const generator = await TextGenerator.create(backend, model);
    await writeWeights(backend, model, weightsFrom(weights, path));

    const text = tokensInMemory(tokenizer.encode("the dog sat on the mat"));
    const { nats, tokens } = await scoreTokens(backend, model, text);
    assertEquals(tokens, text.length - 1);
    assert(nats / tokens < Math.log(model.config.vocabSize), "no better than chance");
    const aborted = AbortSignal.abort(new UserError("stopped"));
    await assertRejects(() => scoreTokens(backend, model, text, { signal: aborted }), UserError, "stopped");

    const options = { temperature: 0.8, topP: 0.95, maxTokens: 8 };
    const prompt = [...tokenizer.encode("the cat")];
    const samples = await generator.generateSamples(prompt, options, [0, 1]);
    const texts = await Promise.all(samples.map((ids) => Array.fromAsync(ids)));
    const alone = await Array.fromAsync(generator.generate(prompt, { ...options, seed: 1 }));
    assertEquals(texts[1], alone);
    assertEquals(await Array.fromAsync(generator.generate(prompt, { ...options, seed: 1, signal: aborted })), []);
    const stop = tokenizer.decode([alone[3]]);
    const ids = generator.generate(prompt, { ...options, seed: 1 });
    const bytes = untilStopString(ids, (id) => tokenizer.decodeBytes([id]), [stop]);
    const made = await toText(ReadableStream.from(bytes));
    const expected = tokenizer.decode(alone);
    assertEquals(made, expected.slice(0, expected.indexOf(stop)));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
