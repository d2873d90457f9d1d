import { assertEquals } from "@std/assert";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import { compileModule, kernelNames, WORKER_FUNCTIONS } from "../../lib/backend/wasm/module.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { KERNELS } from "../../lib/train/kernels.ts";
import { REFERENCE_KERNELS } from "./kernels.ts";

/** Kernels that only a GPU has. */
const ON_GPU_ALONE: Readonly<Record<string, string>> = {
  sample_token: "where the host reads logits in no time, it chooses tokens itself",
  advance_schedule: "only programs in f16 skip updates, and only a GPU has f16",
  loss_scale_apply: "only programs in f16 scale the loss, and only a GPU has f16",
  loss_scale_update: "only programs in f16 scale the loss, and only a GPU has f16",
};

/** lib/measure times these to learn what a device can do at most; no graph calls them, and they compute nothing. */
const MEASURING = ["peak_fma", "peak_fma_workgroups", "peak_read"];

/** Products that round their operands are in machine code alone: tests/kernels/native/bf16_product_test.ts has their reference. */
const everywhere = KERNELS.filter(({ name, rounds }) => rounds === undefined && !(name in ON_GPU_ALONE))
  .map(({ name }) => name).toSorted();

Deno.test("every kernel has a WGSL kernel, a wasm function and reference loops under its name, or is known not to", async () => {
  const wgsl = [...wgslKernels.keys()].filter((name) => !MEASURING.includes(name));
  assertEquals(wgsl.toSorted(), [...everywhere, ...Object.keys(ON_GPU_ALONE)].toSorted());
  const wasm = kernelNames(await compileModule()).filter((name) =>
    !MEASURING.includes(name) && !WORKER_FUNCTIONS.includes(name)
  );
  assertEquals(wasm.toSorted(), everywhere);
  assertEquals([...REFERENCE_KERNELS.keys()].toSorted(), everywhere);
});

Deno.test("the list of kernels holds every one that a module of lib defines", async () => {
  const exported: Kernel[] = [];
  for (const room of ["graph", "ops", "train", "train/optimizer"]) {
    const folder = new URL(`../../lib/${room}/`, import.meta.url);
    for (const { name } of Deno.readDirSync(folder)) {
      if (!name.endsWith(".ts") || !Deno.readTextFileSync(new URL(name, folder)).includes("= defineKernel(")) continue;
      const module: Record<string, unknown> = await import(new URL(name, folder).href);
      exported.push(...Object.values(module).filter(isKernel));
    }
  }
  const names = (kernels: readonly Kernel[]) => kernels.map(({ name }) => name).toSorted();
  assertEquals(names(KERNELS), names(exported));
  assertEquals(new Set(names(KERNELS)).size, KERNELS.length);
});

function isKernel(value: unknown): value is Kernel {
  return typeof value === "object" && value !== null && "inputs" in value && "outputs" in value &&
    "constants" in value;
}
