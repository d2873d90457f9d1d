import { assert, assertEquals } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { schedule } from "../../lib/backend/wasm/schedule.ts";
import { compileModule, kernelNames } from "../../lib/backend/wasm/module.ts";
import { backward } from "../../lib/graph/backward.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import { Program, viewOf, wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import type { Kernel, KernelTry } from "../../lib/graph/kernel.ts";
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
import { KERNELS } from "../../lib/train/kernels.ts";
import { resultsOver, sizesOf } from "../harness/kernel_writes.ts";
import { Random } from "../harness/random.ts";

/** Tensors with a fixed place, in one storage of f32 and one of u32, so that all results can be read at once. */
class Arena {
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
function everyKernel(arena: Arena): Readonly<Record<"ids" | "start" | "mask", Tensor>> & { readonly program: Program } {
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
    constants: { rows: B * T, V },
  });
  return { program: plan(graph), ids, start, mask };
}

Deno.test("wasm backend: a step of many kernels gives the same bits for any number of workers", async () => {
  const arena = new Arena();
  const { program, ids, start, mask } = everyKernel(arena);
  let state = 7;
  const random = () => (state = Math.imul(state, 48271) % 0x7fffffff) / 0x7fffffff;
  const floats = Float32Array.from({ length: arena.floats.bytes / 4 }, () => Math.abs(random()) + 0.01);
  const tokens = Uint32Array.from({ length: ids.size }, () => Math.floor(Math.abs(random()) * 71));
  let first: Uint32Array | undefined;
  for (const workers of [1, 2, 3, 5]) {
    await using backend = await createWasmBackend({ workers });
    const executable = await backend.load(program);
    backend.write(wholeOf(arena.floats), floats);
    backend.write(viewOf(ids, ids.placement!), tokens);
    backend.write(viewOf(mask, mask.placement!), Uint32Array.from({ length: mask.size }, (_, i) => i % 3));
    backend.write(viewOf(start, start.placement!), Uint32Array.of(0));
    await executable.run();
    await executable.run();
    const result = await backend.read(wholeOf(arena.floats));
    assert(result.every((value) => Number.isFinite(value)), "the step must not produce NaN: it would hide differences");
    const bits = new Uint32Array(result.buffer);
    first ??= bits;
    const different = bits.findIndex((word, i) => word !== first![i]);
    assertEquals(different, -1, `${workers} workers: float ${different} is ${result[different]}`);
  }
});

Deno.test("wasm backend: every kernel gives the same bits for any number of workers", async () => {
  const others = ["await_call", "complete", "take", "wake", "set_scratch", "set_worker", "peak_fma"];
  const own = kernelNames(await compileModule()).filter((name) => !others.includes(name));
  const tried = KERNELS.filter(({ name, tries = [] }) => own.includes(name) && tries.length > 0);
  assertEquals(tried.map(({ name }) => name).sort(), own.sort());
  const expected = new Map<string, Uint32Array>();
  for (const workers of [1, 2, 3, 5]) {
    await using backend = await createWasmBackend({ workers });
    for (const kernel of tried) {
      for (const sample of kernel.tries!.filter(({ large }) => !large)) {
        const label = `${kernel.name} ${JSON.stringify(sample.constants)}`;
        const random = new Random(31);
        const before = Object.fromEntries(
          // None is negative: some are variances.
          kernel.outputs.map((name) => [name, random.normal(sizesOf(kernel, sample.constants)[name]).map(Math.abs)]),
        );
        const [results] = await resultsOver(backend, kernel, sample, [before]);
        for (const name of kernel.outputs) {
          const bits = new Uint32Array(Float32Array.from(results[name]).buffer);
          const first = expected.get(`${label} ${name}`) ?? bits;
          expected.set(`${label} ${name}`, first);
          const different = bits.findIndex((word, i) => word !== first[i]);
          assertEquals(
            different,
            -1,
            `${label}, ${workers} workers: ${name}[${different}] is ${results[name][different]}`,
          );
        }
      }
    }
  }
});

Deno.test("wasm backend: every kernel is tried with arrays that workers share out", () => {
  const isShared = (kernel: Kernel, { constants }: KernelTry) => {
    const graph = new Graph();
    const sizes = sizesOf(kernel, constants);
    const array = (name: string) =>
      graph.input(name, [sizes[name]], { dtype: kernel.integers?.includes(name) ? "u32" : "f32" });
    const arrays = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, array(name)]));
    graph.call(kernel, { inputs: arrays(kernel.inputs), outputs: arrays(kernel.outputs), constants });
    return !schedule(plan(graph).calls)[0].alone;
  };
  const alone = KERNELS.filter((kernel) => (kernel.tries ?? []).length > 0)
    .filter((kernel) => !kernel.tries!.some((sample) => isShared(kernel, sample)));
  // It sums a thousand numbers at most.
  assertEquals(alone.map(({ name }) => name), ["clip_grad_norm_factor"]);
});
