import { OptionError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import type { Backend } from "./backend.ts";
import { createWasmBackend } from "./wasm.ts";
import { createWebGpuBackend } from "./webgpu.ts";
import { findAdapter, type GpuSource, summarizeAdapter } from "./webgpu/adapter.ts";

/** `"auto"` is webgpu if there is a real GPU, and wasm otherwise. */
export type BackendChoice = "auto" | "webgpu" | "wasm";

const CHOICES: readonly BackendChoice[] = ["auto", "webgpu", "wasm"];

/** Options for `createBackend`. */
export interface CreateBackendOptions {
  /** Workers of the wasm backend; by default one per core. */
  readonly workers?: number;
  /** Another implementation of WebGPU than the runtime's own, which is `navigator.gpu`. */
  readonly gpu?: GpuSource;
}

/**
 * Makes the backend that was asked for. A software adapter (a CPU that poses as a GPU) is used only if `webgpu` is
 * asked for by name: the wasm backend is faster on the same CPU.
 *
 * @throws {OptionError} If there is no backend of that name; names are case-sensitive.
 * @throws {UserError} If `webgpu` is asked for and there is no adapter.
 */
export async function createBackend(choice: BackendChoice, options: CreateBackendOptions = {}): Promise<Backend> {
  const known = backendChoice(choice);
  const name = known === "auto" ? (await chooseBackend(options)).name : known;
  return name === "webgpu" ? await createWebGpuBackend({ gpu: options.gpu }) : await createWasmBackend(options);
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
  { gpu }: Pick<CreateBackendOptions, "gpu"> = {},
): Promise<{ readonly name: "webgpu" | "wasm"; readonly reason: string }> {
  const { adapter, missing } = await findAdapter(gpu);
  if (adapter === undefined) return { name: "wasm", reason: `no WebGPU adapter ${missing}` };
  const { description, software } = summarizeAdapter(adapter);
  return software
    ? { name: "wasm", reason: `the only WebGPU adapter, ${description}, computes on the CPU, where wasm is faster` }
    : { name: "webgpu", reason: `${description} is a GPU` };
}
