import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { forwardFlops, opFlops } from "../../lib/accounting/flops.ts";
import { plannedTrainingMemory } from "../../lib/accounting/planned_memory.ts";
import { countProgram, programMemory } from "../../lib/accounting/program.ts";
import { GPT2_SHAPES, type ModelShape } from "../../lib/accounting/shape.ts";
import { defineKernel, namedConstants } from "../../lib/graph/kernel.ts";
import { PRESETS } from "../../lib/model/config.ts";
import { addForward } from "../../lib/ops/add.ts";
import { stepMemory, trainingProgram } from "./programs.ts";
import { anyArchitecture } from "./shapes.ts";

/** Every shape that a person can name, at sizes whose tables this machine can hold. */
const NAMED: readonly [string, ModelShape][] = [
  ...Object.entries(PRESETS).map(([name, shape]): [string, ModelShape] => [name, { vocabSize: 10_000, ...shape }]),
  ...Object.entries(GPT2_SHAPES),
];

/** The model's switches one by one. */
const tiny: ModelShape = { vocabSize: 2000, ...PRESETS.tiny };
const ABLATIONS: readonly [string, ModelShape][] = [
  ["ffn silu", { ...tiny, ffn: "silu" }],
  ["norm none", { ...tiny, norm: "none" }],
  ["position none", { ...tiny, position: "none" }],
  ["tied embeddings", { ...tiny, tieEmbeddings: true }],
  ["shared keys", { ...tiny, numHeads: 8, numKeyValueHeads: 2 }],
  ["wide heads", { ...tiny, headDim: 64, numKeyValueHeads: 1 }],
  ["sliding window", { ...tiny, slidingWindow: 32 }],
  ["layer norm", { ...tiny, norm: "layer" }],
  ["norms of outputs", { ...tiny, normPlace: "output" }],
  ["biases", { ...tiny, bias: "all" }],
  ["norms of heads", { ...tiny, qkNorm: "head" }],
  ["norms of queries and keys", { ...tiny, qkNorm: "width" }],
  ["value embeddings", { ...tiny, valueEmbeddings: "alternate" }],
  ["value embeddings everywhere", { ...tiny, valueEmbeddings: "all", numKeyValueHeads: 2 }],
  ["learned positions", { ...tiny, position: "learned" }],
  ["embeddings that are tied and scaled", { ...tiny, tieEmbeddings: true, scaleEmbeddings: true }],
  ["scaled embeddings", { ...tiny, embeddingScale: 11 }],
  ["capped logits", { ...tiny, logitSoftCap: 30 }],
  ["ffn geglu", { ...tiny, ffn: "geglu" }],
  ["ffn gelu", { ...tiny, ffn: "gelu" }],
  ["ffn relu_squared", { ...tiny, ffn: "relu_squared" }],
  ["parallel blocks", { ...tiny, parallelBlocks: true }],
];

Deno.test("the program that trains does exactly the FLOPs predicted, for every preset and any shape", async () => {
  const check = async (shape: ModelShape, batchSize: number) => {
    const counted = countProgram(await trainingProgram(shape, batchSize));
    const ops = opFlops(shape, { batchSize, attentionBackward: "flash" });
    assertEquals(counted.uncounted, []);
    assertEquals(counted.forwardMatmul, forwardFlops(shape, { batchSize }).total);
    assertEquals(counted.backwardMatmul, ops.reduce((sum, op) => sum + op.backward, 0));
  };
  for (const [, shape] of [...NAMED, ...ABLATIONS]) await check(shape, 3);
  await fc.assert(fc.asyncProperty(anyArchitecture, fc.integer({ min: 1, max: 5 }), check), { seed: 8, numRuns: 30 });
});

Deno.test("the plan's memory is within 1 % of the prediction for every preset, 5 % for every switch", async () => {
  for (const [name, shape] of [...NAMED, ...ABLATIONS]) {
    const allowed = ABLATIONS.some(([ablation]) => ablation === name) ? 0.05 : 0.01;
    for (const batchSize of [1, 8]) {
      const { total, scratch } = programMemory(await trainingProgram(shape, batchSize));
      const planned = plannedTrainingMemory(shape, { batchSize });
      const off = Math.abs(total - planned.total) / planned.total;
      const scratchOff = Math.abs(scratch - planned.activations) / planned.activations;
      assert(off <= allowed, `${name}, batch ${batchSize}: ${total} allocated, ${planned.total} predicted`);
      assert(
        scratchOff <= allowed,
        `${name}, batch ${batchSize}: scratch ${scratch}, predicted ${planned.activations}`,
      );
    }
  }
});

Deno.test("the prediction knows of SGD, which keeps no moments, and of accumulated gradients' zeros", async () => {
  for (const optimizer of ["adamw", "muon", "sgd"] as const) {
    for (const gradAccumulation of [1, 3]) {
      for (const [name, shape] of NAMED) {
        const step = { batchSize: 2, optimizer, gradAccumulation };
        const allocated = await stepMemory(shape, 2, step);
        const { total } = plannedTrainingMemory(shape, step);
        assert(
          Math.abs(allocated - total) <= 0.01 * total,
          `${name}, ${optimizer}, ${gradAccumulation}: ${allocated} allocated, ${total} predicted`,
        );
      }
    }
  }
});

Deno.test("in f16 the plan's memory is the prediction or up to a fifth more, and less than in f32", async () => {
  for (const [name, shape] of [...NAMED, ...ABLATIONS]) {
    const { scratch } = programMemory(await trainingProgram(shape, 8, "f16"));
    const { activations } = plannedTrainingMemory(shape, { batchSize: 8, dtype: "f16" });
    const ratio = scratch / activations;
    assert(ratio >= 0.99 && ratio <= 1.2, `${name}: scratch ${scratch}, predicted ${activations}: ${ratio}`);
    assert(scratch < programMemory(await trainingProgram(shape, 8)).scratch, `${name} saves nothing`);
  }
});

Deno.test("a kernel without a formula is named, not counted as nothing", () => {
  const kernel = defineKernel({ name: "conv_forward", inputs: ["x"], outputs: ["y"], constants: { n: "u32" } });
  const call = { kernel, constants: [5] };
  const add = { kernel: addForward, constants: [5] };
  assertEquals(countProgram({ calls: [call, add, call] }), {
    forwardMatmul: 0,
    backwardMatmul: 0,
    other: 5,
    uncounted: ["conv_forward"],
  });
});

Deno.test("what kernels declare holds for every call of a training step, in f32 and in f16", async () => {
  for (const precision of ["f32", "f16"] as const) {
    for (const [name, shape] of [["gpt2-small", GPT2_SHAPES["gpt2-small"]], ...ABLATIONS] as const) {
      const { calls } = await trainingProgram(shape, 2, precision);
      for (const { kernel, constants, views } of calls) {
        const label = `${name}, ${precision}: ${kernel.name}`;
        const { matmul, other } = kernel.flops!(namedConstants(kernel, constants));
        assert(Number.isSafeInteger(matmul) && Number.isSafeInteger(other), `${label}: ${matmul}, ${other}`);
        const arrays = [...kernel.inputs, ...kernel.outputs];
        const sizes = kernel.sizes!(namedConstants(kernel, constants));
        assertEquals(views.map(({ size }) => size), arrays.map((array) => sizes[array]), label);
        const halves = arrays.filter((_, i) => views[i].dtype === "f16");
        assertEquals(halves.filter((array) => !kernel.halves?.includes(array)), [], `${label} in f16`);
      }
    }
  }
});
