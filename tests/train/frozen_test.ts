import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { randomBatch } from "../../lib/dataset/batches.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError } from "../../lib/errors.ts";
import { viewOf } from "../../lib/graph/program.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { type ParameterSpec, parameterSpecs } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import type { Frozen } from "../../lib/train/optimizer/frozen.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { halfTest, openGpu } from "../harness/gpu.ts";
import { Random } from "../harness/random.ts";

const model = { vocabSize: 13, contextLength: 6, dModel: 8, numLayers: 2, numHeads: 2, dFf: 12, ropeTheta: 10000 };
const specs = parameterSpecs(model);
const tokens = tokensInMemory(new Random(3).integers(200, model.vocabSize));
const SHAPE = { batchSize: 4, seqLen: model.contextLength, vocabSize: model.vocabSize };
const ADAMW = { optimizer: "adamw", beta1: 0.8, beta2: 0.9, weightDecay: 0.2 } as const;
const OPTIONS = { batchSize: 4, optimizer: ADAMW, maxGradNorm: 0, logCapacity: 8 };

type Arrays = Map<string, Float32Array>;

async function trainerOf(backend: Backend, more: Partial<TrainerOptions> = {}) {
  const transformer = new Transformer(model);
  const trainer = await Trainer.create(backend, transformer, { ...OPTIONS, ...more });
  await writeWeights(backend, transformer, initialWeights(model, 1));
  const read = async (tensors: ReadonlyMap<string, Tensor>): Promise<Arrays> => {
    const arrays = Array.from(tensors, async ([name, tensor]): Promise<[string, Float32Array]> => {
      return [name, await backend.read(viewOf(tensor, tensor.placement!)) as Float32Array];
    });
    // All at once: WebGPU in Deno answers each read 10 ms later.
    return new Map(await Promise.all(arrays));
  };
  return {
    trainer,
    transformer,
    step: async (step: number) => await trainer.step(await randomBatch(tokens, SHAPE, 2, step), 0.01),
    weights: () => read(transformer.parameters.parts),
    gradients: () => read(trainer.gradients.parts),
    state: () => read(trainer.optimizerState),
    [Symbol.dispose]() {
      trainer[Symbol.dispose]();
      transformer.release(backend);
    },
  };
}

const only = (...trained: string[]): Frozen => ({ name }) => !trained.includes(name);
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** What is frozen, and the names that are then trained. */
const CASES: Readonly<Record<string, Frozen>> = {
  "the embeddings": ["token_embeddings.weight"],
  "a layer and a matrix of the other": ["layers.0", "layers.1.attn.k_proj.weight"],
  "all but the head": only("lm_head.weight"),
  "all but the embeddings": only("token_embeddings.weight"),
  "all but the first layer's queries, at the tape's end": only("layers.0.attn.q_proj.weight"),
  "all but the first layer's values": only("layers.0.attn.v_proj.weight"),
  "all but one matrix of the gate": only("layers.0.ffn.w3.weight"),
  "the norms": ({ shape }) => shape.length === 1,
};
const trainedIn = (frozen: Frozen) =>
  specs.filter((spec) =>
    typeof frozen === "function"
      ? !frozen(spec)
      : !frozen.some((name) => spec.name === name || spec.name.startsWith(`${name}.`))
  ).map(({ name }) => name);

for (const [what, frozen] of Object.entries(CASES)) {
  forEachBackend(`with ${what} frozen, the others are trained as without`, async (backend) => {
    const trained = new Set(trainedIn(frozen));
    for (const more of [{}, { gradAccumulation: 2, batchSize: 2 }]) {
      using whole = await trainerOf(backend, more);
      using part = await trainerOf(backend, { ...more, frozen });
      const before = await whole.weights();
      for (const { step } of [whole, part]) await step(0);
      const [all, own] = [await whole.weights(), await part.weights()];
      for (const { name } of specs) {
        const expected = trained.has(name) ? all : before;
        assertEquals(bitsOf(own.get(name)!), bitsOf(expected.get(name)!), name);
        // The optimizer changes every parameter, by the decay alone if by nothing else.
        assert(all.get(name)!.some((value, i) => value !== before.get(name)![i]), `${name} is not trained`);
      }
      const onlyTrained = (arrays: Arrays) =>
        [...arrays].filter(([name]) => trained.has(name.replace(/^\w+_moment\./, "")));
      assertEquals([...await part.gradients()], onlyTrained(await whole.gradients()));
      assertEquals([...await part.state()], onlyTrained(await whole.state()));
      const squares = onlyTrained(await whole.gradients()).flatMap(([, values]) => [...values].map((g) => g * g));
      const [{ gradNorm }] = await part.trainer.takeLog();
      const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
      assertClose([gradNorm], [norm], { absolute: 0, relative: 1e-5 }, "the norm");
    }
  });
}

forEachBackend(
  "frozen parameters change in no step, whatever the clipping, and have no share in it",
  async (backend) => {
    const frozen = ["layers.0", "token_embeddings.weight"];
    using trainer = await trainerOf(backend, { frozen, maxGradNorm: 0.05, gradAccumulation: 2, batchSize: 2 });
    const before = await trainer.weights();
    for (let step = 0; step < 3; step++) {
      await trainer.step(step);
      const gradients = [...await trainer.gradients()].flatMap(([, values]) => [...values]);
      const [{ gradNorm }] = await trainer.trainer.takeLog();
      assertClose([gradNorm], [Math.hypot(...gradients)], { absolute: 0, relative: 1e-5 }, `step ${step}`);
    }
    const after = await trainer.weights();
    const trained = trainedIn(frozen);
    for (const [name, values] of after) {
      const isSame = bitsOf(values).every((bits, i) => bits === bitsOf(before.get(name)!)[i]);
      assertEquals(isSame, !trained.includes(name), name);
    }
  },
);

Deno.test("no kernel computes a gradient that is not wanted", async () => {
  await using backend = await createWasmBackend();
  const kernelsOf = async (frozen?: Frozen) => {
    using trainer = await trainerOf(backend, { frozen });
    return trainer.trainer.program.calls.map(({ kernel }) => kernel.name);
  };
  const count = (kernels: readonly string[], name: string) => kernels.filter((kernel) => kernel === name).length;
  const probe = await kernelsOf(only("lm_head.weight"));
  const backward = probe.filter((name) => name.includes("backward"));
  assertEquals(backward.toSorted(), ["cross_entropy_backward_in_place", "linear_backward_weight"]);
  const noNorms = await kernelsOf(({ shape }) => shape.length === 1);
  assertEquals(count(noNorms, "rmsnorm_backward_weight"), 0);
  assertEquals(count(noNorms, "sum_partials"), 0);
  assertEquals(count(noNorms, "rmsnorm_backward_input"), 5);
  const noEmbeddings = await kernelsOf(["token_embeddings.weight", "layers.0.ln1.weight"]);
  assertEquals(count(noEmbeddings, "embedding_backward"), 0);
  assertEquals(count(noEmbeddings, "rmsnorm_backward_input"), 4);
  const upper = await kernelsOf(["token_embeddings.weight", "layers.0"]);
  assertEquals(count(upper, "attention_backward"), 1);
  assertEquals(count(upper, "swiglu_backward"), 1);
  assertEquals(await kernelsOf([]), await kernelsOf());
});

Deno.test("tracing with frozen parameters leaves the model as it was", async () => {
  await using backend = await createWasmBackend();
  using trainer = await trainerOf(backend, { frozen: ["layers.0"] });
  assert([...trainer.transformer.parameters.parts.values()].every(({ requiresGrad }) => requiresGrad));
  const failing = new Transformer(model);
  failing.forward = () => {
    throw new Error("planted failure");
  };
  await assertRejects(() => Trainer.create(backend, failing, { ...OPTIONS, frozen: ["layers"] }), Error, "planted");
  assert([...failing.parameters.parts.values()].every(({ requiresGrad }) => requiresGrad));
});

Deno.test("names that the model does not have are refused, and so is freezing all", async () => {
  await using backend = await createWasmBackend();
  const refused = async (more: Partial<TrainerOptions>, says: string) => {
    const transformer = new Transformer(model);
    const { message } = await assertRejects(
      () => Trainer.create(backend, transformer, { ...OPTIONS, ...more }),
      OptionError,
    );
    assertStringIncludes(message, says);
  };
  await refused(
    { frozen: ["lm_head.weigth"] },
    'Cannot freeze parameters: got "lm_head.weigth", which the model does not have, must be a parameter\'s name, or the ' +
      "beginning of some up to a dot. The nearest is lm_head.weight",
  );
  // A beginning ends at a dot.
  await refused({ frozen: ["layers.1.ffn", "layer"] }, 'got "layer", which');
  await refused({ frozen: ["layers.2"] }, "The nearest is layers.0");
  await refused({ frozen: ["layers.1.attn.q_projection.weight"] }, "The nearest is layers.1.attn.q_proj.weight");
  await refused({ frozen: ["x".repeat(1e6)] }, "The nearest is ");
  await refused({ frozen: () => true }, `got all ${specs.length} of the model, must leave one or more to be trained`);
  await refused({ frozen: ["token_embeddings", "layers", "ln_final", "lm_head"] }, "must leave one or more");
  const groups = [{ ...ADAMW, parameters: ["lm_head.weight"] }, ADAMW];
  await refused({ frozen: ["lm_head"], optimizer: groups }, "got lm_head.weight, which is frozen, must be one that is");
});

forEachBackend("groups divide what is trained", async (backend) => {
  const frozen = ["layers.0", "layers.1.attn.v_proj"];
  const isSgds = ({ name }: ParameterSpec) => name.includes(".attn.");
  const optimizer = [{ optimizer: "sgd", weightDecay: 0.05, parameters: isSgds } as const, ADAMW];
  using whole = await trainerOf(backend, { optimizer });
  using part = await trainerOf(backend, { optimizer, frozen });
  const before = await whole.weights();
  for (const { step } of [whole, part]) await step(0);
  const [all, own] = [await whole.weights(), await part.weights()];
  const trained = trainedIn(frozen);
  for (const [name, values] of own) assertEquals(values, (trained.includes(name) ? all : before).get(name), name);
});

halfTest("in f16 what is frozen stays, and the others are trained as without", async () => {
  await using backend = await openGpu();
  const more = { precision: "f16" } as const;
  const frozen = ["token_embeddings", "layers.0.attn.q_proj"];
  using whole = await trainerOf(backend, more);
  using part = await trainerOf(backend, { ...more, frozen });
  const before = await whole.weights();
  for (const { step } of [whole, part]) await step(0);
  const [all, own] = [await whole.weights(), await part.weights()];
  const trained = trainedIn(frozen);
  for (const [name, values] of own) assertEquals(values, (trained.includes(name) ? all : before).get(name), name);
});
