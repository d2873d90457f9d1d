import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { activationItems, countActivations } from "../../lib/accounting/activations.ts";
import {
  batchChoices,
  generationMemory,
  kvCacheBytesPerToken,
  largestBatch,
  trainingMemory,
} from "../../lib/accounting/memory.ts";
import { countParameters } from "../../lib/accounting/parameters.ts";
import { PRECISIONS } from "../../lib/accounting/precision.ts";
import { kvCacheLayers } from "../../lib/model/kv_cache.ts";
import { anyShape, XL } from "./shapes.ts";

const SILU_XL = { ...XL, ffn: "silu" } as const;

Deno.test("AdamW's memory for GPT-2 XL: 6,542,150,400 + 4,036,824,064·b floats, 26.17 + 16.15·b GB, batch 3 in 80 GB", () => {
  const fixed = trainingMemory(SILU_XL).total - trainingMemory(SILU_XL).activations;
  assertEquals(fixed / 4, 6_542_150_400);
  assertEquals((fixed / 1e9).toFixed(2), "26.17");
  for (const batchSize of [1, 2, 7]) {
    assertEquals(countActivations(SILU_XL, { batchSize }), batchSize * 4_036_824_064);
  }
  assertEquals((trainingMemory(SILU_XL).activations / 1e9).toFixed(2), "16.15");
  assertEquals(largestBatch(SILU_XL, 80e9), 3);
});

Deno.test("parameters, gradients and optimizer state are 1 : 1 : 2", () => {
  const { parameters, gradients, optimizer } = trainingMemory(SILU_XL);
  const [v, d, n, dFf] = [50_257, 1600, 48, 6400];
  assertEquals(parameters, 4 * (2 * v * d + n * (2 * d + 4 * d * d + 2 * d * dFf) + d));
  assertEquals([gradients, optimizer], [parameters, 2 * parameters]);
  assertEquals(trainingMemory(SILU_XL, { optimizer: "sgd" }).optimizer, 0);
});

Deno.test("countActivations is the write-up's formula for any two-matrix shape", () => {
  fc.assert(
    fc.property(anyShape, fc.integer({ min: 1, max: 9 }), (shape, b) => {
      const { vocabSize: v, contextLength: s, dModel: d, numLayers: n, numHeads: h, dFf } = shape;
      const expected = n * (2 * b * s + 10 * b * s * d + 2 * b * s * s * h + 2 * b * s * dFf) + b * s + b * s * d +
        2 * b * s * v;
      assertEquals(countActivations({ ...shape, ffn: "silu" }, { batchSize: b }), expected);
    }),
    { seed: 8, numRuns: 100 },
  );
});

Deno.test("with flash attention activations grow linearly with the sequence; stored, they do not", () => {
  const secondDifference = (attention: "stored" | "flash") => {
    const at = (seqLen: number) => countActivations(XL, { seqLen, attention });
    return at(3000) - 2 * at(2000) + at(1000);
  };
  assertEquals(secondDifference("flash"), 0);
  assertEquals(secondDifference("stored"), 48 * 2 * 25 * 2 * 1000 ** 2);
});

Deno.test("checkpointing keeps each layer's input and one layer's activations", () => {
  const once = activationItems(XL).filter((item) => !item.perLayer).reduce((sum, item) => sum + item.count, 0);
  const layer = (countActivations(XL) - once) / 48;
  assertEquals(countActivations(XL, { checkpointing: true }), 48 * 1024 * 1600 + layer + once);
});

Deno.test("switches change activations by exactly what they leave out", () => {
  const bs = 1024;
  assertEquals(countActivations(XL) - countActivations(SILU_XL), 48 * 2 * bs * 6400);
  assertEquals(countActivations(XL) - countActivations({ ...XL, position: "none" }), 48 * 2 * bs * 1600);
  assertEquals(
    countActivations(XL) - countActivations({ ...XL, norm: "none" }),
    48 * (2 * bs + 2 * bs * 1600) + bs + bs * 1600,
  );
});

Deno.test("bytes per parameter with AdamW: 16 in float32 and mixed precision, 8 in 16 bits", () => {
  const perParameter = (precision: keyof typeof PRECISIONS) => {
    const { total, activations } = trainingMemory(XL, { precision });
    return (total - activations) / countParameters(XL);
  };
  assertEquals(perParameter("f32"), 16);
  assertEquals([perParameter("mixed-bf16"), perParameter("mixed-f16")], [16, 16]);
  assertEquals([perParameter("bf16"), perParameter("f16")], [8, 8]);
  assertEquals(trainingMemory(XL, { precision: "mixed-bf16" }).activations * 2, trainingMemory(XL).activations);
});

Deno.test("the largest batch fits, and one more does not, for every choice", () => {
  const capacity = 80e9;
  for (const { batch, tieEmbeddings, ...options } of batchChoices(XL, capacity)) {
    const total = (batchSize: number) => trainingMemory({ ...XL, tieEmbeddings }, { ...options, batchSize }).total;
    assert(total(batch) <= capacity, `batch ${batch} takes ${total(batch)}`);
    assert(total(batch + 1) > capacity, `batch ${batch + 1} takes ${total(batch + 1)}`);
  }
  assertEquals(batchChoices(XL, capacity).length, 24);
  assertEquals(largestBatch(XL, 10e9), 0);
});

Deno.test("a KV cache takes 2·n·d numbers per token, as this project's does, and fewer where keys are shared", () => {
  const shape = { vocabSize: 7, contextLength: 13, dModel: 12, numLayers: 3, numHeads: 2, dFf: 5, ropeTheta: 1e4 };
  let bytes = 0;
  for (const { keys, values } of kvCacheLayers(shape, 1)) {
    bytes += keys.placement!.storage.bytes + values.placement!.storage.bytes;
  }
  assertEquals(kvCacheBytesPerToken(shape) * shape.contextLength, bytes);
  const { weights, kvCache, total } = generationMemory(shape, "f16", 2);
  assertEquals([weights, kvCache, total], [2 * countParameters(shape), bytes, 2 * countParameters(shape) + bytes]);
  const shared = { ...shape, numKeyValueHeads: 1, headDim: 4 };
  const [{ keys }] = kvCacheLayers(shared, 1);
  assertEquals(kvCacheBytesPerToken(shared) * shape.contextLength, 2 * 3 * keys.placement!.storage.bytes);
  assertEquals(keys.size, 13 * 4);
});
