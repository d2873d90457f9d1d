import { OptionError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { Backend } from "./backend.ts";
import { createNativeBackend, findNative } from "./native.ts";
import { createWasmBackend } from "./wasm.ts";
import { createWebGpuBackend } from "./webgpu.ts";
import { findAdapter, type GpuSource, summarizeAdapter } from "./webgpu/adapter.ts";

/** `"auto"` is webgpu if there is a real GPU, else native if that is permitted and possible, and wasm otherwise. */
export type BackendChoice = "auto" | "webgpu" | "native" | "wasm";

const CHOICES: readonly BackendChoice[] = ["auto", "webgpu", "native", "wasm"];

/** Options for `createBackend`. */
export interface CreateBackendOptions {
  /** Workers of the wasm and native backends; by default one per core. */
  readonly workers?: number;
  /** The largest vectors that the native backend may use; by default, the largest that the processor has. */
  readonly instructions?: "avx512" | "avx2";
  /** Another implementation of WebGPU than the runtime's own, which is `navigator.gpu`. */
  readonly gpu?: GpuSource;
}

/**
 * Makes the backend that was asked for. A software adapter (a CPU that poses as a GPU) is used only if `webgpu` is
 * asked for by name: the other backends are faster on the same CPU.
 *
 * @throws {OptionError} If there is no backend of that name; names are case-sensitive.
 * @throws {UserError} If `webgpu` is asked for and there is no adapter, or `native` and there can be no machine code.
 */
export async function createBackend(choice: BackendChoice, options: CreateBackendOptions = {}): Promise<Backend> {
  const known = backendChoice(choice);
  const name = known === "auto" ? (await chooseBackend(options)).name : known;
  if (name === "webgpu") return await createWebGpuBackend({ gpu: options.gpu });
  return name === "native" ? await createNativeBackend(options) : await createWasmBackend(options);
}

/**
 * The backend of a name, such as the one in a run's config.json.
 * @throws {OptionError} If there is no backend of that name.
 */
export function backendChoice(name: string): BackendChoice {
  const choice = CHOICES.find((known) => known === name);
  if (choice !== undefined) return choice;
  throw new OptionError(`Cannot make a backend: got ${excerpt(name)}, must be ${CHOICES.join(", ")}`);
}

/** What `"auto"` chooses on this machine, and the reason in words. */
export async function chooseBackend(
  { gpu, instructions }: Pick<CreateBackendOptions, "gpu" | "instructions"> = {},
): Promise<{ readonly name: "webgpu" | "native" | "wasm"; readonly reason: string }> {
  const { adapter, missing } = await findAdapter(gpu);
  const summary = adapter && summarizeAdapter(adapter);
  if (summary?.software === false) return { name: "webgpu", reason: `${summary.description} is a GPU` };
  const { name, reason } = chooseForCpu(instructions);
  const without = summary === undefined
    ? `no WebGPU adapter ${missing}`
    : `the only WebGPU adapter, ${summary.description}, computes on the CPU, where ${name} is faster`;
  return { name, reason: `${without}; ${reason}` };
}

/** What `"auto"` takes where there is no GPU, and why. */
export function chooseForCpu(
  instructions?: CreateBackendOptions["instructions"],
): { readonly name: "native" | "wasm"; readonly reason: string } {
  const { set, unsupported } = findNative({ instructions });
  return unsupported === undefined
    ? { name: "native", reason: `machine code may be used, and the processor has ${set.title}` }
    : { name: "wasm", reason: `no machine code: got ${unsupported.got}, must be ${unsupported.must}` };
}
