import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { forwardFlops, forwardFlopsPerToken, opFlops } from "../../lib/accounting/flops.ts";
import { formatShare } from "../../lib/accounting/units.ts";
import { anyShape, LARGE, MEDIUM, SMALL, XL } from "./shapes.ts";

/** Total, head, blocks, one block, its attention, its feed-forward, as printed in the reference; then shares in percent. */
const ROWS = [
  [SMALL, "3.50e+11 7.90e+10 2.705829e+11 2.25e+10 8.05e+9 1.45e+10", "22.61 77.39 35.71 64.29"],
  [MEDIUM, "1.03e+12 1.05e+11 9.277129e+11 3.87e+10 1.29e+10 2.58e+10", "10.20 89.80 33.33 66.67"],
  [LARGE, "2.26e+12 1.32e+11 2.126009e+12 5.91e+10 1.88e+10 4.03e+10", "5.84 94.16 31.82 68.18"],
  [XL, "4.51e+12 1.65e+11 4.348654e+12 9.06e+10 2.77e+10 6.29e+10", "3.65 96.35 30.56 69.44"],
  [
    { ...XL, contextLength: 16_384 },
    "1.50e+14 2.63e+12 1.468879e+14 3.06e+12 2.05e+12 1.01e+12",
    "1.76 98.24 67.11 32.89",
  ],
] as const;

Deno.test("forwardFlops gives every row of the reference's table, digit for digit", () => {
  for (const [shape, numbers, shares] of ROWS) {
    const { total, head, blocks, block, attention, feedForward } = forwardFlops(shape);
    const digits = (value: number, count: number) => value.toExponential(count);
    assertEquals(
      [
        digits(total, 2),
        digits(head, 2),
        digits(blocks, 6),
        ...[block, attention, feedForward].map((x) => digits(x, 2)),
      ]
        .join(" "),
      numbers,
    );
    const percent = [head / total, blocks / total, attention / block, feedForward / block].map(formatShare);
    assertEquals(percent, shares.split(" ").map((share) => `${share} %`));
  }
});

/** Multiplies and adds of an (m, k) by (k, p) product, counted one by one. */
function countProduct(m: number, k: number, p: number): number {
  let flops = 0;
  for (let i = 0; i < m; i++) for (let j = 0; j < p; j++) for (let l = 0; l < k; l++) flops += 2;
  return flops;
}

Deno.test("forwardFlops equals counting every multiply and add of a small model", () => {
  const shape = { vocabSize: 11, contextLength: 5, dModel: 6, numLayers: 2, numHeads: 3, dFf: 7 };
  const [b, s, d, headDim] = [2, 5, 6, 2];
  for (const ffn of ["swiglu", "silu"] as const) {
    let flops = 0;
    for (let layer = 0; layer < shape.numLayers; layer++) {
      for (let projection = 0; projection < 4; projection++) flops += countProduct(b * s, d, d);
      for (let head = 0; head < b * shape.numHeads; head++) {
        flops += countProduct(s, headDim, s) + countProduct(s, s, headDim);
      }
      for (let up = 0; up < (ffn === "swiglu" ? 2 : 1); up++) flops += countProduct(b * s, d, shape.dFf);
      flops += countProduct(b * s, shape.dFf, d);
    }
    flops += countProduct(b * s, d, shape.vocabSize);
    assertEquals(forwardFlops({ ...shape, ffn }, { batchSize: b }).total, flops);
  }
});

Deno.test("a backward pass is twice the forward pass, and more where attention is computed again", () => {
  fc.assert(
    fc.property(anyShape, fc.integer({ min: 1, max: 9 }), (shape, batchSize) => {
      const pairs = 2 * shape.numLayers * batchSize * shape.contextLength ** 2 * shape.dModel;
      const backward = (attentionBackward: "stored" | "flash") =>
        opFlops(shape, { batchSize, attentionBackward }).reduce((sum, op) => sum + op.backward, 0);
      assertEquals(backward("stored"), 2 * forwardFlops(shape, { batchSize }).total);
      // One product of scores more.
      assertEquals(backward("flash"), backward("stored") + pairs);
    }),
    { seed: 8, numRuns: 100 },
  );
});

Deno.test("causal attention as half halves the s² terms and nothing else", () => {
  for (const [i, op] of opFlops(XL).entries()) {
    const half = opFlops(XL, { causal: "half" })[i];
    const isQuadratic = op.op === "scores" || op.op === "weighted values";
    assertEquals(
      [half.forward, half.backward],
      isQuadratic ? [op.forward / 2, op.backward / 2] : [op.forward, op.backward],
    );
  }
});

Deno.test("at context 1,024 the feed-forward costs most in every size; at 16,384 attention does", () => {
  for (const shape of [SMALL, MEDIUM, LARGE, XL]) {
    const { attention, feedForward } = forwardFlops(shape);
    assert(feedForward > attention);
  }
  const long = forwardFlops(XL, { seqLen: 16_384 });
  assert(long.attention > long.feedForward);
});

Deno.test("the course's base model takes 111.7 MFLOP per token, forward and backward", () => {
  const base = { vocabSize: 10_000, contextLength: 256, dModel: 512, numLayers: 4, numHeads: 16, dFf: 1344 };
  const weights = 4 * (4 * 512 ** 2 + 3 * 512 * 1344) + 10_000 * 512;
  assertEquals(forwardFlopsPerToken(base), 2 * weights + 4 * 4 * 256 * 512);
  assertEquals((3 * forwardFlopsPerToken(base) / 1e6).toFixed(1), "111.7");
});
