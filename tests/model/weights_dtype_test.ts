// Models whose weights a device keeps in bf16 or int8.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { OptionError, UserError } from "../../lib/errors.ts";
import { scoreTokens } from "../../lib/evaluate/score.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { ParameterLayout, parameterSpecs } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, readWeight, type WeightSource, writeWeights } from "../../lib/model/weights.ts";
import { dequantizeRows, type QuantizedDType, quantizeRows, type WeightsDType } from "../../lib/ops/quantize.ts";
import { TensorOptimizer } from "../../lib/train/tensor_optimizer.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { drawnWeights } from "../harness/drawn_weights.ts";
import { largest } from "../harness/tolerance.ts";

const DTYPES: readonly QuantizedDType[] = ["bf16", "int8"];

/** A context longer than what is fed at once, so that the last of it is fed token by token. */
const SHAPE = { vocabSize: 37, contextLength: 70, dModel: 20, numLayers: 2, numHeads: 2, dFf: 27, ropeTheta: 10000 };

/** The same weights, with matrices rounded on the host. */
function rounded(source: WeightSource, dtype: QuantizedDType): WeightSource {
  return async (name, shape) => {
    const values = await source(name, shape);
    if (shape.length !== 2 || name === "position_embeddings.weight") return values;
    return dequantizeRows(quantizeRows(name, values, shape[1], dtype), shape[1], dtype);
  };
}

forEachDevice("a model with weights in bf16 or int8 computes as one with those numbers in f32", async (backend) => {
  // GPT-2's parts: biases beside the weights, and learned positions, which stay in f32.
  const gpt2 = { tieEmbeddings: true, norm: "layer", position: "learned", ffn: "gelu", bias: "all" } as const;
  const tables = { tieEmbeddings: false, valueEmbeddings: "all" } as const;
  for (const parts of [{ tieEmbeddings: false }, { tieEmbeddings: true }, gpt2, tables]) {
    const config = { ...SHAPE, ...parts };
    const { tieEmbeddings } = config;
    const initial = drawnWeights(config, 5);
    const logitsOf = async (weights: WeightSource, weightsDtype: WeightsDType) => {
      const model = new Transformer(config, { weightsDtype });
      using generator = await TextGenerator.create(backend, model);
      await writeWeights(backend, model, weights);
      // Few tokens, and then so many that some are fed by themselves.
      const ids = Array.from({ length: 67 }, (_, i) => i * i % 37);
      const logits = [await generator.logits(ids.slice(0, 5)), await generator.logits(ids)];
      const head = await readWeight(backend, model, tieEmbeddings ? "token_embeddings.weight" : "lm_head.weight");
      model.release(backend);
      return { logits, head };
    };
    const exact = await logitsOf(initial, "f32");
    for (const dtype of DTYPES) {
      const got = await logitsOf(initial, dtype);
      const expected = await logitsOf(rounded(initial, dtype), "f32");
      assertEquals(got.head, expected.head, dtype);
      got.logits.forEach((logits, i) => {
        const size = largest(expected.logits[i]);
        assertClose(logits, expected.logits[i], { absolute: 1e-5 * size }, `${dtype}, ${JSON.stringify(parts)}`);
        const change = largest(logits.map((value, at) => value - exact.logits[i][at]));
        assert(change > 1e-4 * size, `${dtype}: without rounding, logits change by ${change}`);
      });
    }
  }
});

Deno.test("matrices take a half or a quarter of the memory, and norms what they took", () => {
  const config = { ...SHAPE, dModel: 64, dFf: 128, vocabSize: 1024 };
  const [all, half, quarter] = (["f32", "bf16", "int8"] as const).map((weightsDtype) =>
    new Transformer(config, { weightsDtype }).parameters
  );
  assertEquals(half.specs, parameterSpecs(config));
  assertEquals(half.count, all.count);
  const matrices = all.specs.filter(({ shape }) => shape.length === 2);
  const numbers = matrices.reduce((sum, { shape: [rows, width] }) => sum + rows * width, 0);
  const scales = matrices.reduce((sum, { shape: [rows] }) => sum + Math.ceil(rows / 64) * 256, 0);
  assertEquals(half.bytes, all.bytes - 2 * numbers + scales);
  assertEquals(quarter.bytes, all.bytes - 3 * numbers + scales);
  assertEquals([all, half, quarter].map(({ weightsDtype }) => weightsDtype), ["f32", "bf16", "int8"]);
});

Deno.test("a model with weights in bf16 or int8 is not trained, nor computed with in f16", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  for (const weightsDtype of DTYPES) {
    const model = new Transformer(SHAPE, { weightsDtype });
    const problem = `Cannot train: got weights in ${weightsDtype}, must be in f32. Load them with weightsDtype: "f32"`;
    const options = { batchSize: 1, optimizer: {}, maxGradNorm: 1, logCapacity: 1 };
    await assertRejects(() => Trainer.create(backend, model, options), OptionError, problem);
    await assertRejects(() => TensorOptimizer.create(backend, { tensors: model.parameters }), OptionError, problem);
    assertThrows(
      () => new ParameterLayout("parameters", parameterSpecs(SHAPE), true, weightsDtype),
      RangeError,
      `Cannot lay out parameters: got gradients of weights in ${weightsDtype}, must be of f32`,
    );
  }
  const [model, tokens] = [new Transformer(SHAPE, { weightsDtype: "int8" }), tokensInMemory([1, 2, 3])];
  await assertRejects(
    () => scoreTokens(backend, model, tokens, { precision: "f16" }),
    OptionError,
    'got dtype: "f16" with weightsDtype: "int8", must be one of them',
  );
  const small = { totalBytes: 9000, description: "a backend" } as Backend;
  const tooSmall =
    'KiB of weights in bf16, must be at most the 8.79 KiB that a backend can address. Use weightsDtype: "int8"';
  const half = new Transformer(SHAPE, { weightsDtype: "bf16" });
  await assertRejects(() => scoreTokens(small, half, tokens), UserError, tooSmall);
  assertThrows(
    () => new Transformer(SHAPE, { weightsDtype: "int4" as "int8" }),
    OptionError,
    'got weightsDtype "int4", must be f32, bf16, int8',
  );
});

Deno.test("weights that cannot be rounded, or do not fit, are refused by name", async () => {
  await using backend = await createWasmBackend({ workers: 1 });
  const model = new Transformer(SHAPE, { weightsDtype: "int8" });
  using _generator = await TextGenerator.create(backend, model);
  const initial = initialWeights(SHAPE, 1);
  const spoilt: WeightSource = async (name, shape) => {
    const values = await initial(name, shape);
    if (name === "layers.1.ffn.w3.weight") values[3] = NaN;
    return values;
  };
  await assertRejects(
    () => writeWeights(backend, model, spoilt),
    UserError,
    "Cannot keep layers.1.ffn.w3.weight in int8: got NaN at 3, must be a finite number",
  );
  const short: WeightSource = () => new Float32Array(7);
  await assertRejects(() => writeWeights(backend, model, short), RangeError, "got 7 elements, must be 740");
});
