import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { scaledDotProductAttention } from "../../lib/ops/scaled_dot_product_attention.ts";
import { attentionErrors, probabilityError } from "../harness/attention_case.ts";
import { assertClose } from "../harness/assert_close.ts";
import { forEachBackend } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { type OpCase, type OpInput, runOp } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest } from "../harness/tolerance.ts";

/** Sequences, queries, keys, the sizes of a key and a value; and who sees what. */
interface Sizes {
  readonly sizes: readonly [B: number, T: number, S: number, dK: number, dV: number];
  readonly mask: "none" | "shared" | "each";
}

function attentionOf(q: OpInput, k: OpInput, v: OpInput, hidden?: OpInput): OpCase {
  return {
    label: `attention of (${q.shape}) and (${k.shape})${hidden ? ` with a mask (${hidden.shape})` : ""}`,
    inputs: { q, k, v, ...hidden && { hidden } },
    build: (graph, { q, k, v, hidden }) => scaledDotProductAttention(graph, q, k, v, { hidden }),
    // Weights of one key are 1, whatever the scores are.
    cancels: k.shape.at(-2) === 1,
  };
}

/** Any query sees the first key at least. */
function randomMask(random: Random, shape: readonly number[]): OpInput {
  const size = shape.reduce((product, n) => product * n);
  const S = shape.at(-1)!;
  const data = Uint32Array.from({ length: size }, (_, i) => i % S !== 0 && random.next() < 0.4 ? 1 + i % 7 : 0);
  return { shape, data };
}

function makeCase({ sizes: [B, T, S, dK, dV], mask }: Sizes): OpCase {
  const random = new Random(B + 10 * T + 1000 * S + 100003 * dK + dV);
  const input = (...shape: number[]) => ({ shape, data: random.normal(shape.reduce((product, n) => product * n)) });
  const [q, k, v] = [input(B, T, dK), input(B, S, dK), input(B, S, dV)];
  if (mask === "none") return attentionOf(q, k, v);
  return attentionOf(q, k, v, randomMask(random, mask === "shared" ? [T, S] : [B, T, S]));
}

testOp<Sizes>({
  name: "scaledDotProductAttention",
  makeCase,
  tolerances: (op) => {
    const [, T, headDim] = op.inputs.q.shape;
    const keys = op.inputs.k.shape[1];
    // A key's weights sum to T / S on the average; to more, where a mask leaves others out.
    return attentionErrors(op, { headDim, keys, queries: 4 + 2 * T / keys });
  },
  differentiate: [
    { sizes: [1, 1, 1, 1, 1], mask: "none" },
    { sizes: [2, 3, 2, 2, 3], mask: "each" },
    { sizes: [2, 2, 5, 3, 1], mask: "shared" },
  ],
  compare: [
    { sizes: [1, 1, 1, 1, 1], mask: "none" },
    { sizes: [1, 1, 7, 3, 2], mask: "none" },
    { sizes: [3, 7, 1, 5, 4], mask: "none" },
    { sizes: [2, 13, 31, 8, 8], mask: "shared" },
    { sizes: [5, 31, 13, 7, 16], mask: "each" },
    { sizes: [2, 33, 65, 16, 31], mask: "shared" },
    { sizes: [3, 64, 64, 32, 32], mask: "each" },
    { sizes: [1, 67, 129, 64, 40], mask: "none" },
  ],
  accumulate: [{ sizes: [2, 7, 9, 4, 5], mask: "shared" }],
  repeat: { sizes: [4, 65, 67, 16, 24], mask: "each" },
});

forEachBackend("scaledDotProductAttention with a causal mask equals PyTorch", async (backend) => {
  const { floats, shape } = loadFixture("attention_causal");
  const [, , T, headDim] = shape("q");
  const input = (name: string) => ({ shape: shape(name), data: floats(name) });
  const later = Uint32Array.from({ length: T * T }, (_, i) => i % T > Math.floor(i / T) ? 1 : 0);
  const op = attentionOf(input("q"), input("k"), input("v"), { shape: [T, T], data: later });
  const results = await runOp(backend, { ...op, dY: floats("dy") });
  const tolerances = attentionErrors({ ...op, dY: floats("dy") }, { headDim, keys: T, queries: 1 + Math.log(T) });
  for (const [name, expected] of [["y", "y"], ["d_q", "d_q"], ["d_k", "d_k"], ["d_v", "d_v"]]) {
    assertClose(results[name], floats(expected), tolerances[name], name);
  }
});

forEachBackend("scaledDotProductAttention is what its formula says, over what is not hidden", async (backend) => {
  for (const mask of ["none", "shared", "each"] as const) {
    const op = makeCase({ sizes: [3, 5, 11, 6, 4], mask });
    const { q, k, v, hidden } = op.inputs;
    const { y } = await runOp(backend, op);
    const dot = (b: number, t: number, s: number) =>
      Array.from({ length: 6 }, (_, i) => q.data[(b * 5 + t) * 6 + i] * k.data[(b * 11 + s) * 6 + i])
        .reduce((sum, product) => sum + product, 0);
    const expected = Float64Array.from({ length: 3 * 5 * 4 }, (_, at) => {
      const [b, t, i] = [Math.floor(at / 20), Math.floor(at / 4) % 5, at % 4];
      const weights = Array.from({ length: 11 }, (_, s) => {
        const place = mask === "each" ? (b * 5 + t) * 11 + s : t * 11 + s;
        return hidden?.data[place] ? 0 : Math.exp(dot(b, t, s) / Math.sqrt(6));
      });
      const all = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.reduce((sum, weight, s) => sum + weight / all * v.data[(b * 11 + s) * 4 + i], 0);
    });
    assertClose(y, expected, { absolute: probabilityError(q.data, k.data, 6, 11) * largest(v.data) }, op.label);
  }
});

forEachBackend("a query from which all is hidden gets the mean of all values", async (backend) => {
  const op = makeCase({ sizes: [1, 2, 5, 3, 2], mask: "none" });
  const { q, k, v } = op.inputs;
  const hidden = { shape: [2, 5], data: Uint32Array.of(0, 1, 1, 0, 1, 1, 1, 1, 1, 1) };
  const { y } = await runOp(backend, attentionOf(q, k, v, hidden));
  const mean = [0, 1].map((i) => [0, 1, 2, 3, 4].reduce((sum, s) => sum + v.data[s * 2 + i] / 5, 0));
  assertClose(y.slice(2), mean, { absolute: probabilityError(q.data, k.data, 3, 5) * largest(v.data) }, "the mean");
});

Deno.test("scaledDotProductAttention refuses shapes that do not fit", () => {
  const tensor = (name: string, ...shape: number[]) => new Tensor(name, shape);
  const [q, k, v] = [tensor("q", 2, 3, 4), tensor("k", 2, 5, 4), tensor("v", 2, 5, 6)];
  const hidden = new Tensor("hidden", [3, 5], { dtype: "u32" });
  scaledDotProductAttention(new Graph(), q, k, v, { hidden });
  const refused = (args: Partial<Record<"q" | "k" | "v" | "hidden", Tensor>>) => {
    const all = { q, k, v, hidden, ...args };
    const apply = () => scaledDotProductAttention(new Graph(), all.q, all.k, all.v, { hidden: all.hidden });
    assertThrows(apply, RangeError, "Cannot apply");
  };
  refused({ k: tensor("k", 2, 5, 3) });
  refused({ k: tensor("k", 1, 5, 4) });
  refused({ v: tensor("v", 2, 4, 6) });
  refused({ hidden: new Tensor("hidden", [5, 3], { dtype: "u32" }) });
  assertThrows(() => scaledDotProductAttention(new Graph(), q, k, v, { hidden: tensor("hidden", 3, 5) }), TypeError);
});
