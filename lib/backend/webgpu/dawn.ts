import { createRequire } from "node:module";
import { resolve } from "node:path";
import { option, say } from "../../errors.ts";
import type { WebGpuBackend } from "../webgpu.ts";
import type { GpuSource } from "./adapter.ts";
import { GpuError } from "./gpu_error.ts";

/**
 * Chromium's implementation of WebGPU as a Node add-on. Imported at run time only, so that nobody downloads it unasked.
 */
const PACKAGE = "npm:webgpu@0.6.2";

/** What the package exports. */
interface Dawn {
  create(flags: readonly string[]): GpuSource;
}

/** Subgroup matrices are behind the first, and f16 on NVIDIA's GPUs behind the second. */
const TOGGLES = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia"];

/**
 * Instances that were made. They are never dropped: Dawn's add-on corrupts the heap if an instance is garbage-collected
 * while one of its devices is in use.
 */
const instances = new Map<string, Promise<GpuSource>>();

/**
 * Dawn as a source of adapters. It reaches what Deno's own WebGPU does not: a GPU's matrix units.
 * @param name `"dawn"`, which downloads the npm package if it is not cached, or the path of the add-on's file.
 * @throws {GpuError} If it cannot be loaded.
 */
export function openDawn(name: string): Promise<GpuSource> {
  let instance = instances.get(name);
  if (instance === undefined) instances.set(name, instance = load(name));
  return instance;
}

async function load(name: string): Promise<GpuSource> {
  if (typeof Deno !== "undefined" && (await Deno.permissions.query({ name: "ffi" })).state !== "granted") {
    throw new GpuError(
      "Cannot use Dawn: got no permission to load native code, must have it: run it by deno run -A",
    );
  }
  let dawn: Dawn;
  try {
    dawn = name === "dawn" ? await import(PACKAGE) : createRequire(import.meta.url)(resolve(name));
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    const what = name === "dawn" ? PACKAGE : "the package's file for this system, dawn.node";
    throw new GpuError(
      say`Cannot use Dawn: got "${reason}", must be able to load ${what}. Or leave ${option("gpu")} out`,
      { cause: error },
    );
  }
  // Without the last one, timestamps are rounded to a tenth of a millisecond.
  return dawn.create([
    "backend=vulkan",
    `enable-dawn-features=${TOGGLES}`,
    "disable-dawn-features=timestamp_quantization",
  ]);
}

/**
 * Requires the feature that Dawn is used for.
 * @throws {GpuError} If the backend's device does not multiply matrices of f16.
 */
export function requireMatrices(
  { adapter, hasF16, traits }: Pick<WebGpuBackend, "adapter" | "hasF16" | "traits">,
): void {
  if (traits.matrices) return;
  const lack = hasF16 ? "no subgroup matrices of f16 into f32, 16 x 16 x 16" : "no shader-f16";
  throw new GpuError(
    say`Cannot use Dawn: got ${adapter.description} with ${lack}, must be a GPU that has them by Vulkan, as NVIDIA's since 2017. Leave ${
      option("gpu")
    } out`,
  );
}
