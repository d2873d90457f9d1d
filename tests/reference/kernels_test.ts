import { assertEquals } from "@std/assert";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import { compileModule, kernelNames } from "../../lib/backend/wasm/module.ts";
import { REFERENCE_KERNELS } from "./kernels.ts";

Deno.test("each kernel has reference loops, a WGSL source and a SIMD function, under one name", async () => {
  const names = [...REFERENCE_KERNELS.keys()].sort();
  // peak_fma measures a device and computes nothing; only a GPU chooses tokens itself; the others are called by programs
  // in f16 alone.
  const others = ["peak_fma", "sample_token", "loss_scale_apply", "loss_scale_update"];
  assertEquals([...wgslKernels.keys()].filter((name) => !others.includes(name)).sort(), names);
  const simd = new Set(kernelNames(await compileModule()));
  assertEquals(names.filter((name) => !simd.has(name)), []);
});
