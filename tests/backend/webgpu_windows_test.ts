// Arrays that are too large to be bound whole, and storages of more than 256 MiB.
import { assert, assertEquals } from "@std/assert";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { findAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { selfTest } from "../../lib/self_test/self_test.ts";
import { type Probe, smallProbes } from "../../lib/self_test/self_test_probes.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { adamw } from "../../lib/train/optimizer/adamw.ts";
import { clipGradNorm } from "../../lib/train/optimizer/clip_grad_norm.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { reference } from "../harness/backends.ts";
import { gpuTest, halfTest, missingGpu } from "../harness/gpu.ts";
import { runGraph } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";

await reference();

const TRAITS = { software: true, maxWorkgroupBytes: 32768, maxInvocations: 1024, maxBindingBytes: 2 ** 31 - 4 };

/** Few enough that the probes' arrays are cut. */
const FEW_BYTES = 5000;

/** The kernels that go through arrays window by window. */
const CUT = [...new Set(smallProbes().filter(isCut).map(({ kernel }) => kernel.name))];

function isCut({ kernel, constants }: Probe): boolean {
  const { dispatches } = wgslKernels.get(kernel.name)!(constants, { ...TRAITS, maxBindingBytes: FEW_BYTES });
  return dispatches.some(({ reads = [], writes = [] }) =>
    [...reads, ...writes].some((array) => typeof array === "object")
  );
}

Deno.test("webgpu: what goes through all parameters, a feed-forward layer's activations, or those of a layer of one's own, is cut", () => {
  const large = ["adamw", "sgd", "clip_grad_norm_partials", "copy", "add_forward"];
  const wide = ["silu_forward", "silu_backward", "swiglu_forward", "swiglu_backward"];
  const own = ["mul_forward", "sub_forward", "scale", "masked_fill"];
  assertEquals([...large, ...wide, ...own].filter((name) => !CUT.includes(name)), []);
});

/** Kernels as on an adapter that binds so few bytes at once. */
function bindingAtMost(maxBindingBytes: number): ReadonlyMap<string, WgslKernel> {
  return new Map(CUT.map((name) => {
    return [name, (constants, traits) => wgslKernels.get(name)!(constants, { ...traits, maxBindingBytes })];
  }));
}

for (const precision of ["f32", "f16"] as const) {
  const test = precision === "f16" ? halfTest : gpuTest;
  test(`webgpu: kernels that go through their arrays window by window give the same results in ${precision}`, async () => {
    const kernels = bindingAtMost(FEW_BYTES);
    await using backend = await createWebGpuBackend({ kernels });
    const probes = smallProbes().filter(({ kernel }) => CUT.includes(kernel.name));
    for (const { kernel, constants } of probes) {
      const { dispatches } = kernels.get(kernel.name)!(constants, TRAITS);
      assert(dispatches.length > 1, `${kernel.name} of ${constants.n} elements was not cut`);
    }
    assertEquals(await selfTest(backend, await reference(), { probes, precision }), []);
  });
}

gpuTest("webgpu: a gradient norm has the same bits however its array is cut", async () => {
  const gradients = new Random(8).normal(300_007);
  const norms: number[] = [];
  for (const bytes of [2 ** 30, 70_000, 40_000, 4096 * 4 + 2000]) {
    await using backend = await createWebGpuBackend({ kernels: bindingAtMost(bytes) });
    const { clip } = await runGraph(backend, (trace) => ({
      clip: clipGradNorm(trace.graph, trace.input("gradients", [gradients.length], gradients), 1),
    }));
    norms.push(clip[0]);
  }
  assertEquals(norms, Array(4).fill(norms[0]));
});

/** A little above 256 MiB, WebGPU's default limit for a buffer and the size at which drivers have been seen to fail. */
const LARGE = 70_000_001;
const tooSmall = missingGpu ??
  ((await findAdapter()).adapter!.limits.maxBufferSize < 4 * LARGE ? "no large buffers" : undefined);

Deno.test({
  name: `webgpu: AdamW and the norm over storages of 267 MiB each${tooSmall ? ` [${tooSmall}]` : ""}`,
  ignore: tooSmall !== undefined,
  fn: async () => {
    await using backend = await createWebGpuBackend();
    const [parameters, m, v, gradients] = ["parameters", "m", "v", "gradients"].map((name) => {
      const storage = new DeviceStorage(name, 4 * LARGE);
      return new Tensor(name, [LARGE], { placement: { storage, byteOffset: 0 } });
    });
    const graph = new Graph();
    const schedule = graph.input("schedule", [3]);
    const clip = clipGradNorm(graph, gradients, Infinity);
    const options = { beta1: 0.5, beta2: 0.75, eps: 0, weightDecay: 0 };
    adamw(graph, { parameters, m, v, gradients, clip, schedule }, options);
    const program = plan(graph, { keep: [clip] });
    const executable = await backend.load(program);
    // All else is zero, and 0 / 0 where the gradient is: what is looked at are places that windows may begin and end at.
    const most = backend.device.limits.maxStorageBufferBindingSize / 4;
    const places = [0, 1, 2 ** 25 - 1, 2 ** 25, 2 ** 26 - 1, 2 ** 26, LARGE - 2, LARGE - 1, most - 1, most]
      .filter((at) => at >= 0 && at < LARGE);
    const distinct = [...new Set(places)];
    const at = ({ placement }: Tensor, i: number) => {
      return { storage: placement!.storage, byteOffset: 4 * i, size: 1, dtype: "f32" as const };
    };
    distinct.forEach((i, k) => {
      backend.write(at(gradients, i), Float32Array.of(k + 1));
      backend.write(at(parameters, i), Float32Array.of(100 * k));
    });
    backend.write(program.view(schedule), Float32Array.of(0.25, 0.5, 0.25));
    await executable.run();
    const norm = Math.hypot(...distinct.map((_, k) => k + 1));
    assertClose(await backend.read(program.view(clip)), [norm, 1], { relative: 16 * UNIT_ROUNDOFF });
    for (const [k, i] of distinct.entries()) {
      // m / c1 = g and v / c2 = g², so each parameter goes down by the learning rate: but for three divisions and a root,
      // which WGSL allows 2.5 units in the last place each, and the subtraction's rounding.
      const expected = 100 * k - 0.25;
      const tolerance = { absolute: 20 * UNIT_ROUNDOFF * 0.25, relative: UNIT_ROUNDOFF };
      assertClose(await backend.read(at(parameters, i)), [expected], tolerance, `parameter ${i}`);
      assertEquals((await backend.read(at(v, i)))[0], (k + 1) ** 2 / 4, `second moment ${i}`);
    }
    for (const i of [2, 2 ** 25 + 1, LARGE - 3]) assertEquals((await backend.read(at(m, i)))[0], 0, `moment ${i}`);
  },
});
