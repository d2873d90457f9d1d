import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Graph, Tensor } from "../../lib/graph/mod.ts";
import { Trainer } from "../../lib/train/mod.ts";
import {
  createBackend,
  initialWeights,
  type LanguageModel,
  OptionError,
  readModelConfig,
  recordOf,
  type RunConfig,
  scoreTokens,
  TextGenerator,
  tokensInMemory,
  train,
  TRAINING_DEFAULTS,
  trainRun,
  Transformer,
  UserError,
} from "../../mod.ts";
import { GATED, Gated } from "../harness/gated_model.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TOKENS = Uint32Array.from({ length: 600 }, (_, i) => (i * i) % 11);
const TRAINING = { ...TRAINING_DEFAULTS, steps: 2, batchSize: 4 };

Deno.test("a model that lacks what is needed is refused by the name of that", async () => {
  await using backend = await createBackend("wasm", { workers: 1 });
  const source = tokensInMemory(TOKENS);
  const whole = new Gated(GATED);
  const { config, parameters } = whole;
  const release = () => {};
  // As a model written in JavaScript may be.
  const without = { config, parameters, release } as unknown as LanguageModel;
  const uses: Record<string, (model: LanguageModel) => Promise<unknown>> = {
    train: (model) => {
      const steps = train({ backend, model, config: TRAINING, weights: initialWeights(model, 0), train: source });
      return steps.next();
    },
    score: (model) => scoreTokens(backend, model, source),
    generate: (model) => TextGenerator.create(backend, model),
  };
  for (const [what, use] of Object.entries(uses)) {
    await assertRejects(
      () => use(without),
      OptionError,
      `Cannot ${what}: got a model without forward, must have forward(graph, ids)`,
    );
    const flat = { config, parameters, release, forward: (_: Graph, ids: Tensor) => ids };
    await assertRejects(() => use(flat), OptionError, "from the model's forward, must be logits of shape");
  }
  const manyLosses = Object.assign(new Gated(GATED), { loss: (_: Graph, ids: Tensor) => ids });
  await assertRejects(() => uses.train(manyLosses), OptionError, "from the model's loss, must be one number");
  const noParameters = { config, release, forward: whole.forward } as unknown as LanguageModel;
  const options = { batchSize: 1, optimizer: TRAINING_DEFAULTS, maxGradNorm: 1, logCapacity: 1 };
  await assertRejects(() => Trainer.create(backend, noParameters, options), OptionError, "without parameters");
});

Deno.test("a run is of one architecture: what is not it is refused", async () => {
  await inTemporaryDirectory(async (directory) => {
    await using backend = await createBackend("wasm", { workers: 1 });
    const source = tokensInMemory(TOKENS);
    const config: RunConfig = {
      model: GATED,
      training: TRAINING,
      data: { train: await recordOf(source) },
      backend: backend.name,
    };
    const begin = async (config: RunConfig, model?: LanguageModel) => {
      for await (const _ of trainRun({ backend, directory, config, model, train: source })) break;
    };
    await assertRejects(() => begin(config), UserError, 'architecture "gated" and no model');
    const wide = new Gated({ ...GATED, width: 32 });
    await assertRejects(() => begin(config, wide), OptionError, "model.width 32, must be 16");
    const { architecture: _, ...nameless } = GATED;
    const unnamed: RunConfig = {
      ...config,
      model: { ...nameless, dModel: 16, dFf: 16, ropeTheta: 1e4 } as typeof nameless,
    };
    await assertRejects(
      () => begin(unnamed, new Gated(unnamed.model as typeof GATED)),
      OptionError,
      "no architecture",
    );
    for (const value of [NaN, [1], null]) {
      const unkept: RunConfig = { ...config, model: { ...GATED, width: value } as unknown as typeof GATED };
      await assertRejects(() => begin(unkept, wide), OptionError, "got width");
    }
    const odd: RunConfig = { ...config, model: { ...GATED, "a\nb": 1 } as typeof GATED };
    await assertRejects(() => begin(odd, wide), OptionError, 'got key "a\\nb"');
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
    await begin(config, new Gated(GATED));
    await assertRejects(() => readModelConfig(directory), UserError, 'got architecture "gated"');
    assertThrows(() => new Transformer(GATED as unknown as ConstructorParameters<typeof Transformer>[0]), OptionError);
  });
});
