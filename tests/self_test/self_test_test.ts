import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { compileModule, kernelNames } from "../../lib/backend/wasm/module.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import type { Program } from "../../lib/graph/program.ts";
import type { View } from "../../lib/graph/tensor.ts";
import { planDispatches } from "../../lib/backend/webgpu/plan_dispatches.ts";
import { KERNELS } from "../../lib/train/kernels.ts";
import { selfTest, selfTestFingerprint } from "../../lib/self_test/self_test.ts";
import { largeProbes, smallProbes } from "../../lib/self_test/self_test_probes.ts";
import { samplingFaults } from "../../lib/self_test/self_test_sampling.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { gpuTest, halfTest } from "../harness/gpu.ts";

await reference();

Deno.test("the self-test tries every kernel on which a device and the wasm backend can be compared", async () => {
  const tried = new Set(smallProbes().map(({ kernel }) => kernel.name));
  const simd = new Set(kernelNames(await compileModule()));
  const comparable = KERNELS.map(({ name }) => name).filter((name) => simd.has(name));
  assertEquals([...tried].toSorted(), comparable.toSorted());
});

forEachDevice("the self-test passes", async (backend) => {
  assertEquals(await selfTest(backend, await reference()), []);
});

forEachDevice("an oracle that overflowed proves nothing: the self-test does not pass by it", async (backend) => {
  const oracle = await reference();
  const overflowed = new Proxy(oracle, {
    get(target, key) {
      if (key === "read") {
        return async (view: View) => (await oracle.read(view)).fill(Infinity);
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const probes = smallProbes().filter(({ kernel }) => kernel.name === "silu_forward");
  assertEquals((await selfTest(backend, overflowed, { probes })).some(({ kernel }) => kernel === "silu_forward"), true);
});

gpuTest("the self-test passes with the kernels of a real GPU, at small and large sizes", async () => {
  await using backend = await createWebGpuBackend({ kernelsForHardware: true });
  await using oracle = await createWasmBackend();
  assertEquals(await selfTest(backend, await reference()), []);
  assertEquals(await selfTest(backend, oracle, { probes: largeProbes() }), []);
});

for (const kernelsForHardware of [false, true]) {
  halfTest(`the self-test passes in f16${kernelsForHardware ? " with the kernels of a real GPU" : ""}`, async () => {
    await using backend = await createWebGpuBackend({ kernelsForHardware });
    assertEquals(await selfTest(backend, await reference(), { precision: "f16" }), []);
  });
}

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
  [
    "rope_forward",
    "is off by 0.05 %",
    (source) => source.replace("spread(cos_table[angle]) +", "(1.0005 * spread(cos_table[angle])) +"),
  ],
  ["add_forward", "leaves the last elements out", (source) => source.replace("i >= params.n", "i + 3u >= params.n")],
  ["copy", "does not add", (source) => source.replace("params.accumulate != 0u", "params.accumulate > 7u")],
  ["sample_token", "chooses the next token", (source) => source.replace("ids[lane] = token", "ids[lane] = token + 1u")],
  ["mean_forward", "returns NaN", (source) => source.replace("f32(params.n)", "f32(params.n - params.n) * 0.0")],
];

/** The hash of what the self-test runs on a device with these kernels. */
function fingerprintOf(
  kernels: ReadonlyMap<string, WgslKernel>,
  precision: "f32" | "f16" = "f32",
  software = true,
): string {
  const traits = { software, maxWorkgroupBytes: 32768, maxInvocations: 1024, maxBindingBytes: 2 ** 31 - 4 };
  const limits = { maxStorageBufferBindingSize: 2 ** 31 - 4, maxComputeWorkgroupsPerDimension: 65535 };
  const all = new Map([...wgslKernels, ...kernels]);
  const dispatchesOf = (program: Program) => planDispatches(program, all, traits, limits).dispatches;
  return selfTestFingerprint({ dispatchesOf }, { precision });
}

Deno.test("an edited kernel is another self-test: no earlier pass counts for it", () => {
  const usual = fingerprintOf(new Map());
  assertEquals(fingerprintOf(new Map()), usual);
  const seen = new Set([usual, fingerprintOf(new Map(), "f16"), fingerprintOf(new Map(), "f32", false)]);
  assertEquals(seen.size, 3);
  const tried = smallProbes().map(({ kernel }) => kernel.name);
  for (const name of new Set([...tried, "sample_token"])) {
    seen.add(fingerprintOf(broken(name, (source) => `${source}\n// edited\n`)));
    const edited = wgslKernels.get(name)!;
    // The same source, dispatched otherwise.
    const otherwise: WgslKernel = (constants, traits) => {
      const call = edited(constants, traits);
      const dispatches = call.dispatches.map((dispatch) => ({ ...dispatch, workgroups: dispatch.workgroups + 1 }));
      return { ...call, dispatches };
    };
    seen.add(fingerprintOf(new Map([[name, otherwise]])));
  }
  assertEquals(seen.size, 3 + 2 * (new Set(tried).size + 1));
});

halfTest("the self-test in f16 names a kernel that is wrong, and the precision", async () => {
  const change = (source: string) => source.replace("  y[i] = gate[i]", "  y[i] = f32(i % 2u) * gate[i]");
  await using backend = await createWebGpuBackend({ kernels: broken("swiglu_forward", change) });
  const faults = await selfTest(backend, await reference(), { precision: "f16" });
  assertEquals([...new Set(faults.map((fault) => fault.kernel))], ["swiglu_forward in f16"]);
});

for (const sign of ["+", "-"]) {
  gpuTest(`rounding does not decide what the self-test samples: ${sign}`, async () => {
    const change = (source: string) =>
      source.replace("sample(uniforms[lane]", `sample(uniforms[lane] ${sign} 5e-5`)
        .replace("options[3] * total", `options[3] * total * (1.0 ${sign} 5e-5)`)
        .replace("> options[2]", `> options[2] ${sign} 5e-5`);
    await using backend = await createWebGpuBackend({ kernels: broken("sample_token", change) });
    assertEquals(await samplingFaults(backend), []);
  });
}

for (const [kernel, fault, change] of PLANTED) {
  gpuTest(`the self-test names a kernel that ${fault}`, async () => {
    await using backend = await createWebGpuBackend({ kernels: broken(kernel, change) });
    const faults = await selfTest(backend, await reference());
    assertEquals([...new Set(faults.map((fault) => fault.kernel))], [kernel]);
    assertStringIncludes(faults[0].detail, kernel === "sample_token" ? "is chosen instead of" : "wrong");
  });
}
