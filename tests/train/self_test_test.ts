import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { selfTest } from "../../lib/train/self_test.ts";
import { largeProbes, smallProbes } from "../../lib/train/self_test_probes.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { gpuTest } from "../harness/gpu.ts";

await reference();

Deno.test("the self-test tries every kernel", () => {
  const tried = new Set(smallProbes().map(({ kernel }) => kernel.name));
  const known = wgslKernels.keys().filter((name) => name !== "peak_fma");
  assertEquals([...tried].toSorted(), [...known].toSorted());
});

forEachDevice("the self-test passes", async (backend) => {
  assertEquals(await selfTest(backend, await reference()), []);
});

gpuTest("the self-test passes with the kernels of a real GPU, at small and large sizes", async () => {
  await using backend = await createWebGpuBackend({ kernelsForHardware: true });
  await using oracle = await createWasmBackend();
  assertEquals(await selfTest(backend, await reference()), []);
  assertEquals(await selfTest(backend, oracle, { probes: largeProbes() }), []);
});

/** A kernel whose source is changed. */
function broken(name: string, change: (source: string) => string): ReadonlyMap<string, WgslKernel> {
  return new Map([[name, (constants, traits) => {
    const call = wgslKernels.get(name)!(constants, traits);
    const dispatches = call.dispatches.map((dispatch) => {
      const source = change(dispatch.source);
      assert(source !== dispatch.source, `the source of ${name} has changed: adapt this test`);
      return { ...dispatch, source };
    });
    return { ...call, dispatches };
  }]]);
}

const PLANTED: readonly [kernel: string, fault: string, (source: string) => string][] = [
  ["silu_forward", "returns zeros", (source) => source.replace("  y[i] = x[i] *", "  y[i] = 0.0 *")],
  ["rope_forward", "is off by 0.05 %", (source) => source.replace("x[even] * c -", "x[even] * (c * 1.0005) -")],
  ["add_forward", "leaves the last elements out", (source) => source.replace("i >= params.n", "i + 3u >= params.n")],
  ["copy", "does not add", (source) => source.replace("params.accumulate != 0u", "params.accumulate > 7u")],
  ["mean_forward", "returns NaN", (source) => source.replace("f32(params.n)", "f32(params.n - params.n) * 0.0")],
];

for (const [kernel, fault, change] of PLANTED) {
  gpuTest(`the self-test names a kernel that ${fault}`, async () => {
    await using backend = await createWebGpuBackend({ kernels: broken(kernel, change) });
    const faults = await selfTest(backend, await reference());
    assertEquals([...new Set(faults.map((fault) => fault.kernel))], [kernel]);
    assertStringIncludes(faults[0].detail, "wrong");
  });
}
