import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { chooseVariant, matmulKernels } from "../../kernels/wgsl/matmul/linear.ts";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { fold, MAX_DISPATCH_WORK, planDispatches } from "../../lib/backend/webgpu/plan_dispatches.ts";
import { Pace } from "../../lib/backend/webgpu/pace.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import { attention } from "../../lib/ops/attention.ts";
import { linear } from "../../lib/ops/linear.ts";
import { reference } from "../harness/backends.ts";
import { gpuTest } from "../harness/gpu.ts";
import { linearTolerances, randomLinear } from "../harness/linear_case.ts";
import { assertOpAccumulates, assertOpMatchesReference, type OpCase } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";

const LIMITS = { maxStorageBufferBindingSize: 2 ** 31 - 1, maxComputeWorkgroupsPerDimension: 65535 };
const HARDWARE = { software: false, maxWorkgroupBytes: 32768, maxInvocations: 1024, maxBindingBytes: 2 ** 31 - 4 };

await reference();

Deno.test("fold covers every workgroup in dimensions that WebGPU allows, and adds fewer than a column", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (workgroups) => {
      const { across, down } = fold("x", workgroups, LIMITS);
      assert(across <= 65535 && down <= 65535 && across * down >= workgroups && across * down - workgroups < down);
    }),
    { seed: 1, numRuns: 1000 },
  );
  assertEquals(fold("x", 65535, LIMITS), { across: 65535, down: 1 });
  assertEquals(fold("x", 65536, LIMITS), { across: 32768, down: 2 });
  assertThrows(() => fold("x", 65535 ** 2 + 1, LIMITS), Error, "kernel x: got 4294836226 workgroups");
});

Deno.test("a long dispatch is cut into parts that cover it once each, none longer than a slow GPU may take", () => {
  for (const [rows, I, O] of [[16384, 512, 10000], [8192, 768, 50257], [70000, 512, 40000]]) {
    const graph = new Graph();
    linear(graph, graph.input("x", [rows, I]), graph.input("w", [O, I]));
    const { dispatches } = planDispatches(plan(graph), wgslKernels, HARDWARE, {
      ...LIMITS,
      maxStorageBufferBindingSize: Infinity,
    });
    let next = 0;
    for (const { params, across, down, work } of dispatches) {
      assertEquals(params.at(-1), next);
      assert(work <= MAX_DISPATCH_WORK * 1.01);
      next += across * down;
    }
    assert(dispatches.length > 1);
    // Only the last part may run past the end, which kernels check.
    const variant = chooseVariant({ M: rows, N: O, K: I }, matmulKernels[0], HARDWARE);
    assert(variant.kind === "tiled");
    const tiles = Math.ceil(rows / variant.tile.m) * Math.ceil(O / variant.tile.n);
    assert(next >= tiles && next - dispatches.at(-1)!.across * dispatches.at(-1)!.down < tiles);
  }
});

Deno.test("a GPU that was measured to be fast gets dispatches of half a second at most, and fewer of them", () => {
  const graph = new Graph();
  linear(graph, graph.input("x", [70000, 512]), graph.input("w", [40000, 512]));
  const limits = { ...LIMITS, maxStorageBufferBindingSize: Infinity };
  const dispatchesAt = (rate: number) => {
    const tiles = [{ tile: { m: 128, n: 128, k: 8, across: 16, down: 16 }, rates: { linear_forward: rate } }];
    return planDispatches(plan(graph), wgslKernels, { ...HARDWARE, tiles }, limits).dispatches;
  };
  const slow = dispatchesAt(1e9);
  const fast = dispatchesAt(1e12);
  assert(slow.every(({ work }) => work <= 1.01 * MAX_DISPATCH_WORK));
  assert(fast.length > 1 && fast.length < slow.length && fast.every(({ work }) => work <= 1.01 * 0.5e12));
  assertEquals(dispatchesAt(1e14).length, 1);
});

/** The kernels as if each call took minutes, so that every dispatch that can be cut is. */
function slowed(names: readonly string[]): ReadonlyMap<string, WgslKernel> {
  return new Map(names.map((name) => [name, (constants, traits) => {
    const call = wgslKernels.get(name)!(constants, traits);
    return { ...call, dispatches: call.dispatches.map((dispatch) => ({ ...dispatch, flops: 5 * MAX_DISPATCH_WORK })) };
  }]));
}

gpuTest("webgpu: kernels that are cut give the same result as whole", async () => {
  const names = ["linear_forward", "linear_backward_input", "linear_backward_weight"];
  await using backend = await createWebGpuBackend({ kernels: slowed(names), kernelsForHardware: true });
  for (const size of [[70, 33, 129], [257, 65, 66]]) {
    const op = randomLinear(size);
    await assertOpMatchesReference(backend, op, linearTolerances(op));
    await assertOpAccumulates(backend, op, linearTolerances(op));
  }
});

for (const kernelsForHardware of [false, true]) {
  const kernels = kernelsForHardware ? "a real GPU's kernels" : "the adapter's kernels";
  gpuTest(`webgpu: attention that is cut gives the same result as whole, with ${kernels}`, async () => {
    const names = ["attention_forward", "attention_backward"];
    await using backend = await createWebGpuBackend({ kernels: slowed(names), kernelsForHardware });
    const [B, T, H, headDim] = [2, 70, 2, 8];
    const random = new Random(7);
    const input = () => ({ shape: [B, T, H * headDim], data: random.normal(B * T * H * headDim) });
    const op: OpCase = {
      label: "attention, cut",
      inputs: { q: input(), k: input(), v: input(), start: { shape: [1], data: Uint32Array.of(0) } },
      build: (graph, { q, k, v, start }) => attention(graph, q, k, v, H, start),
    };
    // Far above rounding, far below what a missing or doubled workgroup would do.
    const loose = { absolute: 1e-5 };
    await assertOpMatchesReference(backend, op, { y: loose, d_q: loose, d_k: loose, d_v: loose });
  });
}

Deno.test("Pace cuts a program where a submission would be long, and less often once the device has proved fast", () => {
  const pace = new Pace();
  const step = (work: number) => ({ work }) as Parameters<Pace["submitted"]>[0][number];
  const steps = Array.from({ length: 100 }, () => step(1e10));
  const cut = () => [...pace.cut(steps)];
  const slow = cut();
  assertEquals(slow.flat(), steps);
  assert(slow.length > 5 && slow.every((group) => group.length >= 1));
  assertEquals([...pace.cut([step(1e15), step(1)])].map((group) => group.length), [1, 1]);

  const drained = pace.draining();
  drained();
  assertEquals(cut().length, slow.length, "an idle device has shown nothing");
  pace.submitted([step(1e30)]);
  pace.draining()();
  assertEquals(cut(), [steps]);
});
