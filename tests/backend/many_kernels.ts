// A program of many kernels, for tests of what does not depend on who computes it.
import { backward } from "../../lib/graph/backward.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import type { Program } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { attention } from "../../lib/ops/attention.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { concatenate } from "../../lib/ops/concatenate.ts";
import { crossEntropy, crossEntropyBackwardInPlace } from "../../lib/ops/cross_entropy.ts";
import { embedding } from "../../lib/ops/embedding.ts";
import { linear } from "../../lib/ops/linear.ts";
import { maskedFill } from "../../lib/ops/masked_fill.ts";
import { matmul } from "../../lib/ops/matmul.ts";
import { mul } from "../../lib/ops/mul.ts";
import { transpose } from "../../lib/ops/permute.ts";
import { rmsnorm } from "../../lib/ops/rmsnorm.ts";
import { rope } from "../../lib/ops/rope.ts";
import { scale } from "../../lib/ops/scale.ts";
import { silu } from "../../lib/ops/silu.ts";
import { slice } from "../../lib/ops/slice.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { sub } from "../../lib/ops/sub.ts";
import { mean } from "../../lib/ops/sum.ts";
import { swiglu } from "../../lib/ops/swiglu.ts";
import { writeRows } from "../../lib/ops/write_rows.ts";
import { adamw } from "../../lib/train/optimizer/adamw.ts";
import { clipGradNorm } from "../../lib/train/optimizer/clip_grad_norm.ts";
import { sgd } from "../../lib/train/optimizer/sgd.ts";

/** Tensors with a fixed place, in one storage of f32 and one of u32, so that all results can be read at once. */
export class Arena {
  readonly floats = new DeviceStorage("floats", 2 ** 22);
  readonly integers = new DeviceStorage("integers", 2 ** 12);
  #used = { f32: 0, u32: 0 };

  tensor(name: string, shape: number[], dtype: "f32" | "u32" = "f32", requiresGrad = false): Tensor {
    const storage = dtype === "f32" ? this.floats : this.integers;
    const tensor = new Tensor(name, shape, {
      dtype,
      requiresGrad,
      placement: { storage, byteOffset: this.#used[dtype] },
    });
    this.#used[dtype] += Math.ceil(tensor.size * 4 / 256) * 256;
    return tensor;
  }

  leaf(name: string, ...shape: number[]): Tensor {
    return this.tensor(name, shape, "f32", true);
  }
}

/** A step that uses most kernels, at sizes that no tile and no number of workers divides. */
export function manyKernels(
  arena: Arena,
): Readonly<Record<"ids" | "start" | "mask", Tensor>> & { readonly program: Program } {
  const [B, T, H, headDim, F, V] = [3, 53, 5, 14, 67, 71];
  const D = H * headDim;
  const graph = new Graph();
  const ids = arena.tensor("ids", [B, T], "u32");
  const start = arena.tensor("start", [1], "u32");
  const mask = arena.tensor("mask", [D], "u32");
  const cos = arena.tensor("cos", [T, headDim / 2]);
  const sin = arena.tensor("sin", [T, headDim / 2]);
  const table = arena.leaf("table", V, D);
  const [wq, wk, wv] = ["q", "k", "v"].map((name) => arena.leaf(name, D, D));
  const [w1, w3, w2] = [arena.leaf("w1", F, D), arena.leaf("w3", F, D), arena.leaf("w2", D, F)];
  const norm = arena.leaf("norm", D);
  const gradientOf = new Map(
    [table, wq, wk, wv, w1, w3, w2, norm].map((x) => [x, arena.leaf(`d_${x.name}`, ...x.shape)]),
  );

  const x = embedding(graph, ids, table);
  const normed = rmsnorm(graph, x, norm, 1e-5);
  const turn = (y: Tensor) => rope(graph, y, headDim, { cos, sin, start });
  const [q, k, v] = [turn(linear(graph, normed, wq)), turn(linear(graph, normed, wk)), linear(graph, normed, wv)];
  const attended = add(graph, x, attention(graph, q, k, v, H, start));
  const mixed = matmul(graph, softmax(graph, matmul(graph, attended, attended, { transposeB: true }), 1), attended);
  const shifted = add(graph, attended, broadcast(graph, mean(graph, mixed, 1, { keepDim: true }), mixed.shape));
  const halves = [slice(graph, shifted, -1, 33), slice(graph, shifted, -1, 0, 33)];
  const turned = transpose(graph, transpose(graph, concatenate(graph, halves, -1), 1, 2), 1, 2);
  const gated = scale(graph, mul(graph, sub(graph, turned, shifted), attended), 0.5);
  const masked = maskedFill(graph, gated, mask, 0.25);
  const hidden = swiglu(graph, linear(graph, masked, w1), silu(graph, linear(graph, attended, w3)));
  // The table is used twice, so its gradient is added to.
  const logits = linear(graph, softmax(graph, linear(graph, hidden, w2)), table);
  const loss = crossEntropy(graph, logits, ids);
  const dLoss = arena.tensor("dLoss", [1]);
  backward(graph, loss, dLoss, { gradientOf, accumulate: true });
  const clip = clipGradNorm(graph, gradientOf.get(table)!, 0.001);
  adamw(graph, {
    parameters: table,
    gradients: gradientOf.get(table)!,
    m: arena.tensor("m", table.shape.slice()),
    v: arena.tensor("v", table.shape.slice()),
    clip,
    schedule: arena.tensor("schedule", [3]),
  }, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 });
  const [gradients, schedule] = [gradientOf.get(w1)!, arena.tensor("lr", [1])];
  sgd(graph, { parameters: w1, gradients, clip, schedule }, { weightDecay: 0.1 });
  writeRows(graph, logits, start, arena.tensor("log", [B, T + 2, V]));
  writeRows(graph, attended, start, arena.tensor("attended", [B, T + 2, D]));
  const copied = arena.tensor("logits", logits.shape.slice());
  copy(graph, logits, copied, true);
  graph.call(crossEntropyBackwardInPlace, {
    inputs: { targets: ids, lse: arena.tensor("lse", [B * T]), dLoss },
    outputs: { logits: copied },
    constants: { rows: B * T, V, z: 0 },
  });
  return { program: plan(graph), ids, start, mask };
}
