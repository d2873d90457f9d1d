// Starts a backend. Prints what people should know about it to stderr, and tests that a GPU computes correctly.
import type { Backend } from "../../lib/backend/backend.ts";
import { requirePrecision } from "../../lib/backend/precision.ts";
import {
  type BackendChoice,
  backendChoice,
  chooseForCpu,
  createBackend,
  type CreateBackendOptions,
} from "../../lib/backend/select.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import type { Precision } from "../../lib/graph/graph.ts";
import { openDawn, requireMatrices } from "../../lib/backend/webgpu/dawn.ts";
import { GpuError } from "../../lib/backend/webgpu/gpu_error.ts";
import type { KernelFault } from "../../lib/self_test/self_test.ts";
import { UsageError } from "./errors.ts";
import { shown } from "./shown.ts";
import { hasPassedSelfTest, testKernels } from "./self_test.ts";
import { chooseMatrixTiles, chooseTiles } from "./tiles.ts";

/** Options for `startBackend`. */
export interface StartBackendOptions extends CreateBackendOptions {
  /** The precision to compute in. Default: `"f32"`. */
  readonly precision?: Precision;
  /** What `--gpu` said: another WebGPU than the runtime's own, with matrix units; see `openDawn`. */
  readonly dawn?: string;
  /** Whether to measure, once per GPU, which tiles make matrix products fastest. */
  readonly tuned?: boolean;
}

/** `--gpu`. */
export const GPU_FLAG = { type: "string" } as const;

/**
 * Starts the backend that was asked for. Warns, once, of a software GPU. A GPU runs the self-test first, unless it
 * passed not long ago; if it fails, `auto` falls back to the CPU, with a warning; if it fails in f16 alone, f16 is
 * refused. For bf16, `auto` is native, which alone has it.
 *
 * @throws {UserError} If `webgpu` is asked for and there is none, or it computes wrong results, or the precision is not to
 * be had.
 */
export async function startBackend(choice: BackendChoice, options: StartBackendOptions = {}): Promise<Backend> {
  const { precision = "f32", dawn } = options;
  if (precision === "bf16" && choice === "auto" && dawn === undefined) choice = "native";
  const instructions = options.instructions ?? askedInstructions();
  if (choice === "wasm" && precision === "f16") {
    throw new UsageError(
      "Cannot compute in f16: --backend wasm computes in f32. Leave out --dtype or --backend",
    );
  }
  quietVulkanLoader();
  const backend = dawn === undefined
    ? await createBackend(choice, { ...options, instructions })
    : await startDawn(choice, dawn);
  try {
    requirePrecision(backend, precision);
    if (!(backend instanceof WebGpuBackend)) return backend;
    if (dawn !== undefined) requireMatrices(backend);
    if (backend.adapter.software) {
      console.error(
        `WARNING: ${backend.description} is not a GPU but a program that imitates one. ` +
          "Everything will be slow; --backend wasm is several times faster on this machine.",
      );
    }
    const faults = await faultsOf(backend, "f32");
    if (faults.length === 0) {
      const inHalf = precision === "f16" ? await faultsOf(backend, "f16") : [];
      if (inHalf.length > 0) throw new GpuError(faultMessage(backend, inHalf, "--dtype f32"));
      if (options.tuned) {
        await (backend.traits.matrices && precision === "f16" ? chooseMatrixTiles(backend) : chooseTiles(backend));
      }
      return backend;
    }
    const problem = faultMessage(backend, faults);
    if (choice !== "auto" || precision === "f16" || dawn !== undefined) throw new GpuError(problem);
    console.error(`WARNING: ${problem}`);
  } catch (error) {
    await backend[Symbol.asyncDispose]();
    throw error;
  }
  await backend[Symbol.asyncDispose]();
  return await createBackend(chooseForCpu(instructions).name, { ...options, instructions });
}

/** The variable that leaves out AVX-512, to try what machines without it do. */
const INSTRUCTIONS = "BYTELM_INSTRUCTIONS";

/**
 * The largest vectors of the native backend that the environment asks for, if it may be read and does.
 * @throws {UsageError} If it asks for something else.
 */
export function askedInstructions(): CreateBackendOptions["instructions"] {
  if (Deno.permissions.querySync({ name: "env", variable: INSTRUCTIONS }).state !== "granted") return undefined;
  const asked = Deno.env.get(INSTRUCTIONS);
  if (asked === undefined || asked === "avx512" || asked === "avx2") return asked;
  throw new UsageError(`Cannot use the variable ${INSTRUCTIONS}: got ${shown(asked)}, must be avx512 or avx2`);
}

/** @throws {UsageError} If another backend is asked for beside it. */
async function startDawn(choice: BackendChoice, dawn: string): Promise<Backend> {
  if (choice === "wasm" || choice === "native") {
    throw new UsageError(`Cannot use --gpu: got --backend ${choice}, must be webgpu. Leave one out`);
  }
  return await createBackend("webgpu", { gpu: await openDawn(dawn) });
}

/**
 * Makes more backends like one that was started, with its tiles; it may be disposed of before.
 * @param dawn What it was started with.
 */
export function moreLike(backend: Backend, dawn?: string): () => Promise<Backend> {
  const name = backendChoice(backend.name);
  const { tiles, matrixTiles } = backend instanceof WebGpuBackend ? backend.traits : {};
  return async () => {
    const gpu = dawn === undefined ? undefined : await openDawn(dawn);
    const another = await createBackend(name, { gpu, instructions: askedInstructions() });
    if (another instanceof WebGpuBackend) {
      another.useTiles(tiles);
      another.useMatrixTiles(matrixTiles);
    }
    return another;
  };
}

async function faultsOf(backend: WebGpuBackend, precision: Precision): Promise<KernelFault[]> {
  if (hasPassedSelfTest(backend, precision)) return [];
  await using oracle = await createWasmBackend();
  return await testKernels(backend, oracle, precision);
}

/**
 * What people need to know about an adapter that computes wrong results.
 * @param instead What works all the same.
 */
export function faultMessage(
  { adapter }: WebGpuBackend,
  faults: readonly KernelFault[],
  instead = "--backend wasm",
): string {
  const kernels = [...new Set(faults.map(({ kernel }) => kernel))];
  return `Cannot compute on ${adapter.description}: got wrong results from ${
    kernels.join(", ")
  }, must be the same as the CPU's. ` +
    `${faults[0].kernel}, ${faults[0].detail}. Update the GPU's driver, or use ${instead}`;
}

/** Mesa's window system code complains on stderr when this variable is missing, though nothing here opens a window. */
export function quietVulkanLoader(): void {
  const name = "XDG_RUNTIME_DIR";
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return;
  }
  if (!Deno.env.has(name)) Deno.env.set(name, "/tmp");
}
