// What ops are given: element types, shapes and constants are held to an op's own when it is recorded.
import { assert, assertThrows } from "@std/assert";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { type DType, Tensor } from "../../lib/graph/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { addEmbedding } from "../../lib/ops/add_embedding.ts";
import { addPositions } from "../../lib/ops/add_positions.ts";
import { attention } from "../../lib/ops/attention.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { crossEntropy, tokenLosses } from "../../lib/ops/cross_entropy.ts";
import { embedding } from "../../lib/ops/embedding.ts";
import { geglu, gelu } from "../../lib/ops/gelu.ts";
import { layernorm } from "../../lib/ops/layernorm.ts";
import { linear } from "../../lib/ops/linear.ts";
import { maskedFill } from "../../lib/ops/masked_fill.ts";
import { mul } from "../../lib/ops/mul.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { concatenate } from "../../lib/ops/concatenate.ts";
import { permute, transpose } from "../../lib/ops/permute.ts";
import { reluSquared } from "../../lib/ops/relu_squared.ts";
import { reshape } from "../../lib/ops/reshape.ts";
import { rmsnorm } from "../../lib/ops/rmsnorm.ts";
import { rope } from "../../lib/ops/rope.ts";
import { sampleTokens, SAMPLING_OPTIONS } from "../../lib/ops/sample_token.ts";
import { scale } from "../../lib/ops/scale.ts";
import { scaledDotProductAttention } from "../../lib/ops/scaled_dot_product_attention.ts";
import { selectRows } from "../../lib/ops/select_rows.ts";
import { silu } from "../../lib/ops/silu.ts";
import { slice } from "../../lib/ops/slice.ts";
import { softCap } from "../../lib/ops/soft_cap.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { sub } from "../../lib/ops/sub.ts";
import { mean, sum } from "../../lib/ops/sum.ts";
import { sumPartials } from "../../lib/ops/sum_partials.ts";
import { swiglu } from "../../lib/ops/swiglu.ts";
import { logRow, writeRows } from "../../lib/ops/write_rows.ts";

/** An op's arguments: shapes by name, those of type u32 with a `#` in front. */
interface OpArguments {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly apply: (graph: Graph, tensors: Readonly<Record<string, Tensor>>) => void;
}

const OPS: Readonly<Record<string, OpArguments>> = {
  add: { shapes: { a: [2, 3], b: [2, 3] }, apply: (graph, { a, b }) => add(graph, a, b) },
  attention: {
    shapes: { q: [2, 3, 4], k: [2, 5, 4], v: [2, 5, 4], "#start": [1] },
    apply: (graph, { q, k, v, "#start": start }) => attention(graph, q, k, v, 2, start),
  },
  "attention with shared keys": {
    shapes: { q: [2, 3, 4], k: [2, 5, 2], v: [2, 5, 2], "#start": [1] },
    apply: (graph, { q, k, v, "#start": start }) =>
      attention(graph, q, k, v, 2, start, { numKeyValueHeads: 1, slidingWindow: 2 }),
  },
  addEmbedding: {
    shapes: { x: [2, 3, 4], "#ids": [2, 3], weight: [7, 4] },
    apply: (graph, { x, "#ids": ids, weight }) => addEmbedding(graph, x, ids, weight),
  },
  addPositions: {
    shapes: { x: [2, 3, 4], table: [9, 4], "#start": [1] },
    apply: (graph, { x, table, "#start": start }) => addPositions(graph, x, table, start),
  },
  broadcast: { shapes: { x: [2, 1, 3] }, apply: (graph, { x }) => broadcast(graph, x, [2, 5, 3]) },
  concatenate: { shapes: { a: [2, 3], b: [4, 3] }, apply: (graph, { a, b }) => concatenate(graph, [a, b], 0) },
  copy: { shapes: { x: [2, 3], y: [2, 3] }, apply: (graph, { x, y }) => copy(graph, x, y, false) },
  crossEntropy: {
    shapes: { logits: [2, 3, 5], "#targets": [2, 3] },
    apply: (graph, { logits, "#targets": targets }) => crossEntropy(graph, logits, targets),
  },
  "crossEntropy with weights": {
    shapes: { logits: [2, 3, 5], "#targets": [2, 3], weights: [2, 3] },
    apply: (graph, { logits, "#targets": targets, weights }) => crossEntropy(graph, logits, targets, { weights }),
  },
  tokenLosses: {
    shapes: { logits: [2, 3, 5], "#targets": [2, 3] },
    apply: (graph, { logits, "#targets": targets }) => tokenLosses(graph, logits, targets),
  },
  embedding: {
    shapes: { "#ids": [2, 3], weight: [7, 4] },
    apply: (graph, { "#ids": ids, weight }) => embedding(graph, ids, weight),
  },
  geglu: { shapes: { gate: [2, 3], up: [2, 3] }, apply: (graph, { gate, up }) => geglu(graph, gate, up) },
  gelu: { shapes: { x: [2, 3] }, apply: (graph, { x }) => gelu(graph, x) },
  layernorm: {
    shapes: { x: [2, 3], weight: [3], bias: [3] },
    apply: (graph, { x, weight, bias }) => layernorm(graph, x, weight, bias, 1e-5),
  },
  "linear with a bias": {
    shapes: { x: [2, 3], weight: [5, 3], bias: [5] },
    apply: (graph, { x, weight, bias }) => linear(graph, x, weight, bias),
  },
  linear: { shapes: { x: [2, 3], weight: [5, 3] }, apply: (graph, { x, weight }) => linear(graph, x, weight) },
  maskedFill: {
    shapes: { x: [4, 2, 3], "#mask": [2, 3] },
    apply: (graph, { x, "#mask": mask }) => maskedFill(graph, x, mask, -1),
  },
  mul: { shapes: { a: [2, 3], b: [2, 3] }, apply: (graph, { a, b }) => mul(graph, a, b) },
  matmul: { shapes: { a: [4, 2, 3], b: [4, 3, 5] }, apply: (graph, { a, b }) => matmul(graph, a, b) },
  mean: { shapes: { x: [2, 3] }, apply: (graph, { x }) => mean(graph, x, 0) },
  permute: { shapes: { x: [2, 3] }, apply: (graph, { x }) => permute(graph, x, [1, 0]) },
  reluSquared: { shapes: { x: [2, 3] }, apply: (graph, { x }) => reluSquared(graph, x) },
  reshape: { shapes: { x: [2, 3] }, apply: (graph, { x }) => reshape(graph, x, [3, 2]) },
  rmsnorm: { shapes: { x: [2, 3], weight: [3] }, apply: (graph, { x, weight }) => rmsnorm(graph, x, weight, 1e-5) },
  rope: {
    // Not two sequences: two starts would then be one of each.
    shapes: { x: [4, 3, 8], cos: [9, 2], sin: [9, 2], "#start": [1] },
    apply: (graph, { x, cos, sin, "#start": start }) => rope(graph, x, 4, { cos, sin, start }),
  },
  "rope at positions": {
    shapes: { x: [2, 3, 8], cos: [9, 2], sin: [9, 2], "#positions": [2, 3] },
    apply: (graph, { x, cos, sin, "#positions": positions }) => rope(graph, x, 4, { cos, sin, positions }),
  },
  selectRows: {
    shapes: { x: [2, 3, 4], "#rows": [5] },
    apply: (graph, { x, "#rows": rows }) => selectRows(graph, x, rows),
  },
  sampleTokens: {
    shapes: {
      logits: [2, 5],
      "#start": [1],
      uniforms: [2],
      options: [SAMPLING_OPTIONS.length],
      "#drawable": [1],
      "#ids": [2, 1],
      "#context": [2, 9],
    },
    apply: (
      graph,
      { logits, uniforms, options, "#start": start, "#drawable": drawable, "#ids": ids, "#context": context },
    ) => sampleTokens(graph, logits, { start, uniforms, options, drawable }, { ids, context }),
  },
  scaledDotProductAttention: {
    shapes: { q: [2, 3, 4], k: [2, 5, 4], v: [2, 5, 6], "#hidden": [3, 5] },
    apply: (graph, { q, k, v, "#hidden": hidden }) => scaledDotProductAttention(graph, q, k, v, { hidden }),
  },
  scale: { shapes: { x: [2, 3] }, apply: (graph, { x }) => scale(graph, x, 2) },
  silu: { shapes: { x: [2, 3] }, apply: (graph, { x }) => silu(graph, x) },
  softCap: { shapes: { x: [2, 3] }, apply: (graph, { x }) => softCap(graph, x, 30) },
  slice: { shapes: { x: [2, 3] }, apply: (graph, { x }) => slice(graph, x, 1, 1, 3) },
  softmax: { shapes: { x: [2, 3] }, apply: (graph, { x }) => softmax(graph, x) },
  sub: { shapes: { a: [2, 3], b: [2, 3] }, apply: (graph, { a, b }) => sub(graph, a, b) },
  "softmax over another dimension": { shapes: { x: [2, 3] }, apply: (graph, { x }) => softmax(graph, x, 0) },
  sum: { shapes: { x: [2, 3] }, apply: (graph, { x }) => sum(graph, x) },
  sumPartials: {
    shapes: { partials: [4, 3], y: [3] },
    apply: (graph, { partials, y }) => sumPartials(graph, partials, y, 0),
  },
  swiglu: { shapes: { gate: [2, 3], up: [2, 3] }, apply: (graph, { gate, up }) => swiglu(graph, gate, up) },
  transpose: { shapes: { x: [2, 3] }, apply: (graph, { x }) => transpose(graph, x, 0, 1) },
  writeRows: {
    shapes: { x: [4, 3, 4], "#start": [1], out: [4, 5, 4] },
    apply: (graph, { x, "#start": start, out }) => writeRows(graph, x, start, out),
  },
  logRow: {
    shapes: { x: [2, 3], "#row": [1], log: [5, 6] },
    apply: (graph, { x, "#row": row, log }) => logRow(graph, x, row, log),
  },
};

/** Arguments of which any shape is right, whatever the others are. */
const ANY_SHAPE: readonly string[] = [
  "scale x",
  "silu x",
  "softCap x",
  "gelu x",
  "reluSquared x",
  "softmax x",
  "mean x",
  "softmax over another dimension x",
  "sum x",
  "selectRows x",
  "selectRows #rows",
  "embedding #ids",
  "slice x",
  "transpose x",
];

/** Arguments that are as wide as they like: a vocabulary, a context, an embedding. */
const ANY_WIDTH: readonly string[] = [
  "crossEntropy logits",
  "crossEntropy with weights logits",
  "tokenLosses logits",
  "sampleTokens logits",
  "sampleTokens #context",
  "embedding weight",
  "matmul b",
  "scaledDotProductAttention v",
  "permute x",
];

function tensorsOf(
  { shapes }: OpArguments,
  changed?: { readonly name: string; readonly dtype?: DType; readonly shape?: readonly number[] },
) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const own = name.startsWith("#") ? "u32" : "f32";
      const is = changed?.name === name ? changed : undefined;
      return [name, new Tensor(name, is?.shape ?? shape, { dtype: is?.dtype ?? own })];
    }),
  );
}

for (const [op, args] of Object.entries(OPS)) {
  Deno.test(`${op} refuses each argument of another element type`, () => {
    args.apply(new Graph(), tensorsOf(args));
    for (const name of Object.keys(args.shapes)) {
      const dtype = name.startsWith("#") ? "f32" : "u32";
      const error = assertThrows(() => args.apply(new Graph(), tensorsOf(args, { name, dtype })), TypeError);
      assert(error.message.includes(dtype), error.message);
    }
  });

  Deno.test(`${op} refuses each argument of another shape`, () => {
    for (const [name, shape] of Object.entries(args.shapes)) {
      const deeper = [...shape, 2];
      // Whatever else an op may take, an array with one element more in its last dimension fits no other argument.
      const wider = [...shape.slice(0, -1), shape.at(-1)! + 1];
      for (const other of [deeper, wider]) {
        if (ANY_SHAPE.includes(`${op} ${name}`)) continue;
        if (other === wider && ANY_WIDTH.includes(`${op} ${name}`)) continue;
        assertThrows(
          () => args.apply(new Graph(), tensorsOf(args, { name, shape: other })),
          RangeError,
          "must",
          `${name} (${other})`,
        );
      }
    }
  });
}

Deno.test("constants that a kernel cannot be told are refused", () => {
  const x = new Tensor("x", [2, 3]);
  for (const eps of [NaN, Infinity, -1, 0, -0, 1e-50, 1e-45, 1e300, 3.41e38]) {
    const problem = `got eps ${eps}, must be`;
    const weight = new Tensor("weight", [3]);
    assertThrows(() => rmsnorm(new Graph(), x, weight, eps), RangeError, problem);
    assertThrows(() => layernorm(new Graph(), x, weight, new Tensor("bias", [3]), eps), RangeError, problem);
  }
  for (const factor of [NaN, Infinity, -Infinity, 1e300, -3.41e38]) {
    assertThrows(() => scale(new Graph(), x, factor), RangeError, `got factor ${factor}, must be`);
  }
  for (const value of [NaN, Infinity, -Infinity, 1e300, -3.41e38]) {
    const mask = new Tensor("mask", [3], { dtype: "u32" });
    assertThrows(() => maskedFill(new Graph(), x, mask, value), RangeError, `got value ${value}, must be`);
  }
  for (const heads of [0, -2, 1.5, NaN]) {
    const [q, start] = [new Tensor("q", [1, 2, 6]), new Tensor("start", [1], { dtype: "u32" })];
    assertThrows(() => attention(new Graph(), q, q, q, heads, start), RangeError, String(heads));
  }
});
