// What is asked of Dawn, and what is said where it cannot be had. The add-on itself, 100 MB, is not fetched for this.
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { SubgroupMatrices } from "../../kernels/wgsl/matmul/subgroup_matrix.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import { findAdapter, requestDevice, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { openDawn, requireMatrices } from "../../lib/backend/webgpu/dawn.ts";
import { matricesOf, MATRIX_FEATURES } from "../../lib/backend/webgpu/matrices.ts";
import { UserError } from "../../lib/errors.ts";
import { inHalf, largeProbes } from "../../lib/self_test/self_test_probes.ts";
import { probeProgram } from "../../lib/self_test/self_test_program.ts";
import { halfTest } from "../harness/gpu.ts";

const NVIDIA = [
  { componentType: "f16", resultComponentType: "f16", M: 16, N: 16, K: 16 },
  { componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 },
];
const METAL = [{ componentType: "f16", resultComponentType: "f16", M: 8, N: 8, K: 8 }];

/** An adapter and a device as Dawn shows them; modules compile where the code has this in it. */
function dawnOf(
  { features = MATRIX_FEATURES as readonly string[], sizes = [32, 32], configs = NVIDIA, taken = "" },
): Parameters<typeof matricesOf> {
  let error: GPUValidationError | null = null;
  const [subgroupMinSize, subgroupMaxSize] = sizes;
  const adapter = { info: { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs: configs } };
  const device = {
    features: new Set(features),
    pushErrorScope: () => error = null,
    createShaderModule: ({ code }: GPUShaderModuleDescriptor) => {
      if (!code.includes(taken)) error = new GPUValidationError("no such built-in");
    },
    popErrorScope: () => Promise.resolve(error),
  };
  return [adapter as unknown as GPUAdapter, device as unknown as GPUDevice];
}

Deno.test("matrices are found where the device has all they need, in the way that it writes them", async () => {
  assertEquals(await matricesOf(...dawnOf({})), { order: "template", lanes: 32 });
  assertEquals(await matricesOf(...dawnOf({ taken: ">>(&x, 0u, false, 16u)" })), { order: "argument", lanes: 32 });
  assertEquals(await matricesOf(...dawnOf({ taken: "neither" })), undefined);
  for (const missing of MATRIX_FEATURES) {
    const features = MATRIX_FEATURES.filter((feature) => feature !== missing);
    assertEquals(await matricesOf(...dawnOf({ features })), undefined);
  }
  assertEquals(await matricesOf(...dawnOf({ sizes: [8, 32] })), undefined);
  assertEquals(await matricesOf(...dawnOf({ configs: METAL })), undefined);
  const [, device] = dawnOf({});
  const info = { subgroupMinSize: 32, subgroupMaxSize: 32 } as GPUAdapterInfo;
  assertEquals(await matricesOf({ info }, device), undefined);
});

Deno.test("a Dawn that cannot be loaded is an error for people", async () => {
  const error = await assertRejects(
    () => openDawn("/nowhere/dawn.node"),
    UserError,
    "must be able to load the package's file",
  );
  assert(!error.message.includes("\n"), error.message);
});

Deno.test({
  name: "a Dawn that may not be loaded is an error for people",
  permissions: { read: true },
  fn: async () => {
    await assertRejects(() => openDawn("dawn"), UserError, "deno run -A");
  },
});

halfTest("a device with matrices multiplies f16 by them, and f32 as ever", async () => {
  const { adapter } = await findAdapter();
  const matrices: SubgroupMatrices = { order: "template", lanes: 32 };
  const device = await requestDevice(adapter!);
  const summary = { ...summarizeAdapter(adapter!), software: false };
  await using backend = new WebGpuBackend(summary, device, {}, matrices);
  const labels = (probes: ReturnType<typeof largeProbes>) =>
    backend.dispatchesOf(probeProgram(probes).program).map(({ label }) => label).filter((label) =>
      label.startsWith("linear")
    );
  const [inFull, half] = [labels(largeProbes()), labels(inHalf(largeProbes()))];
  assert(inFull.length > 0 && inFull.every((label) => !label.includes("matrices")), inFull.join(", "));
  assert(half.some((label) => label.includes("matrices")), half.join(", "));
  requireMatrices(backend);
});

Deno.test("a device without matrices is not what Dawn is asked for", () => {
  const traits = { software: false, maxWorkgroupBytes: 0, maxInvocations: 0, maxBindingBytes: 0 };
  const adapter = { description: "SwiftShader", software: true, features: [], limits: {} as never };
  assertThrows(() => requireMatrices({ adapter, hasF16: false, traits }), UserError, "SwiftShader with no shader-f16");
  assertThrows(() => requireMatrices({ adapter, hasF16: true, traits }), UserError, "no subgroup matrices of f16");
});
