import { answerOf } from "./answer.ts";
import { MATRIX_FEATURES } from "./matrices.ts";
import type { DeviceTraits } from "../../../kernels/wgsl/dispatch.ts";
import type { SubgroupMatrices } from "../../../kernels/wgsl/matmul/subgroup_matrix.ts";
import { option, say, type Wording } from "../../errors.ts";

/** Where adapters come from: `navigator.gpu`, or another implementation of WebGPU. */
export type GpuSource = Pick<GPU, "requestAdapter">;

/** What people want to know about an adapter. */
export interface AdapterSummary {
  /** Its name, as the driver gives it. */
  readonly description: string;
  /** Whether a CPU poses as a GPU: fine for tests, but slower than the wasm backend. */
  readonly software: boolean;
  /** Features that the adapter lists, in alphabetical order. */
  readonly features: readonly string[];
  readonly limits: Readonly<Record<LimitName, number>>;
}

/** Limits that decide how large a model can be and how its kernels are cut. The adapter's largest are asked for. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

type LimitName = typeof LIMITS[number];

/** Features that are used if the adapter has them. */
const FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16"];

/** Names of drivers that compute on the CPU. */
const SOFTWARE_NAMES = /llvmpipe|lavapipe|softpipe|swiftshader|software|basic render/i;

/** The result of a search for an adapter: one, or the reason why there is none, to follow "no WebGPU adapter". */
export type FoundAdapter =
  | { readonly adapter: GPUAdapter; readonly missing?: undefined }
  | { readonly adapter?: undefined; readonly missing: string };

/**
 * The machine's adapter, the fast one if there are several. Mesa's software adapter through OpenGL counts as none: it is
 * what is found where Vulkan is not installed, and can take many minutes to compile one kernel.
 * @param gpu Another implementation of WebGPU than the runtime's own.
 */
export async function findAdapter(gpu: GpuSource | undefined = navigator.gpu): Promise<FoundAdapter> {
  const asked = gpu?.requestAdapter({ powerPreference: "high-performance" });
  const adapter = asked && (await answerOf(asked, "a search for an adapter") ?? undefined);
  if (adapter === undefined) return { missing: "was found" };
  const { description, software } = summarizeAdapter(adapter);
  if (!software || !isOpenGl(adapter)) return { adapter };
  return { missing: `is usable: ${description} goes through OpenGL, where a kernel can take minutes to compile` };
}

/** WebGPU does not say what lies below it. OpenGL knows no subgroups: Deno then gives the bounds of all their sizes. */
function isOpenGl({ info, features }: GPUAdapter): boolean {
  return info.subgroupMinSize === 4 && info.subgroupMaxSize === 128 && !features.has("shader-f16");
}

/** Collects what an adapter says about itself. */
export function summarizeAdapter(adapter: GPUAdapter): AdapterSummary {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const name = description || [vendor, architecture, device].filter((part) => part !== "").join(" ");
  return {
    description: name || "unnamed adapter",
    software: isFallbackAdapter || SOFTWARE_NAMES.test(name),
    features: [...adapter.features].toSorted(),
    limits: limitsOf(adapter.limits),
  };
}

/**
 * Requests a device with all that the adapter offers of the limits and features in use.
 * @throws {Error} If the driver refuses.
 */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const has = (feature: GPUFeatureName) => adapter.features.has(feature);
  const matrices = MATRIX_FEATURES.every(has) ? MATRIX_FEATURES : [];
  const asked = adapter.requestDevice({
    requiredLimits: limitsOf(adapter.limits),
    requiredFeatures: [...new Set([...FEATURES.filter(has), ...matrices])],
  });
  return await answerOf(asked, "a request for a device");
}

/** The traits of a device that kernels may depend on. */
export function traitsOf(device: GPUDevice, software: boolean, matrices?: SubgroupMatrices): DeviceTraits {
  return {
    software,
    matrices,
    maxBindingBytes: device.limits.maxStorageBufferBindingSize,
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    maxInvocations: Math.min(device.limits.maxComputeInvocationsPerWorkgroup, device.limits.maxComputeWorkgroupSizeX),
  };
}

/**
 * What to say when there is no adapter.
 * @param missing Why, as `findAdapter` says it.
 */
export function missingAdapterMessage(missing: string): Wording {
  const os = typeof Deno === "undefined" ? "" : Deno.build.os;
  const hint = installHint(os);
  const other = option("backend", "wasm");
  return say`Cannot use WebGPU: no adapter ${missing}, must be a GPU with its driver. ${hint} Or use ${other}`;
}

/** What to install so that an adapter is found, by operating system as `Deno.build.os` names it. */
export function installHint(os: string): string {
  switch (os) {
    case "linux":
      return "Install the GPU's Vulkan driver and libvulkan.so.1: on Debian and Ubuntu, libvulkan1 with NVIDIA's own " +
        "driver, or with mesa-vulkan-drivers for AMD and Intel (which also has llvmpipe, a software adapter).";
    case "windows":
      return "Install the GPU maker's current driver, which brings DirectX 12 and Vulkan.";
    case "darwin":
      return "Every Mac since macOS 11 has one by Metal: run outside of virtual machines.";
    default:
      return "Install a driver with Vulkan, Metal or DirectX 12.";
  }
}

function limitsOf(limits: GPUSupportedLimits): Record<LimitName, number> {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name]])) as Record<LimitName, number>;
}
