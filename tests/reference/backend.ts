import type { Backend, Executable, HostArray } from "../../lib/backend/backend.ts";
import type { Capabilities } from "../../lib/backend/capabilities.ts";
import { requireHostData } from "../../lib/graph/host_data.ts";
import { addsTo, type Kernel } from "../../lib/graph/kernel.ts";
import { type Program, type ProgramCall, wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage, type View } from "../../lib/graph/tensor.ts";
import type { Numbers, ReferenceKernel } from "./kernel.ts";
import { PLAIN } from "../harness/capabilities.ts";
import { REFERENCE_KERNELS } from "./kernels.ts";
import { ReferenceMemory } from "./memory.ts";

/**
 * Runs programs in float64 on the reference loops: so the tape, the planner and the whole model can be tested without a
 * device, and differentiated numerically. It also refuses what no device may be asked to do.
 */
export class ReferenceBackend implements Backend {
  readonly name = "reference";
  readonly description = "reference: float64 loops";
  readonly capabilities: Capabilities;
  readonly #memories = new Map<DeviceStorage, ReferenceMemory>();
  readonly #kernels: ReadonlyMap<string, ReferenceKernel>;

  /** @param kernels Kernels by name; others than the reference's own are for planting mistakes. */
  constructor(kernels: ReadonlyMap<string, ReferenceKernel> = REFERENCE_KERNELS) {
    this.#kernels = kernels;
    this.capabilities = { ...PLAIN, kernels: new Set(kernels.keys()) };
  }

  get bytesInUse(): number {
    return this.#memories.keys().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  load(program: Program): Promise<Executable> {
    return Promise.try(() => {
      for (const call of program.calls) requireLegal(call);
      for (const storage of program.storages) {
        if (this.#memories.has(storage)) continue;
        const memory = new ReferenceMemory(storage.bytes);
        this.#memories.set(storage, memory);
        if (storage.contents) memory.write(wholeOf(storage), storage.contents());
      }
      return { run: () => Promise.try(() => program.calls.forEach((call) => this.#call(call))) };
    });
  }

  write(view: View, data: HostArray): void {
    requireHostData(view, data);
    this.#memory(view.storage).write(view, data);
  }

  read(view: View): Promise<HostArray> {
    const memory = this.#memory(view.storage);
    return Promise.resolve(view.dtype === "f32" ? Float32Array.from(memory.values(view)) : memory.bits(view));
  }

  /** The values of a view without rounding; writing to them changes the memory. */
  values(view: View): Float64Array {
    return this.#memory(view.storage).values(view);
  }

  release(storage: DeviceStorage): void {
    this.#memories.delete(storage);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#memories.clear();
    return Promise.resolve();
  }

  #memory(storage: DeviceStorage): ReferenceMemory {
    const memory = this.#memories.get(storage);
    if (memory === undefined) throw new RangeError(`Cannot use storage "${storage.name}": it was never loaded`);
    return memory;
  }

  #call({ kernel, views, constants }: ProgramCall): void {
    const { inputs, outputs } = split(kernel, views);
    const named = Object.fromEntries(Object.keys(kernel.constants).map((name, i) => [name, constants[i]]));
    const read = (view: View): Numbers =>
      view.dtype === "u32" ? this.#memory(view.storage).bits(view) : this.values(view);
    const before = Object.fromEntries(outputs.map(([name, view]) => [name, this.values(view)]));
    const reference = this.#kernels.get(kernel.name);
    if (reference === undefined) throw new Error(`Cannot run ${kernel.name}: it has no reference loops`);
    const results = reference(
      Object.fromEntries(inputs.map(([name, view]) => [name, read(view)])),
      named,
      before,
    );
    for (const [name, target] of Object.entries(before)) {
      const result = results[name];
      if (result?.length !== target.length) {
        throw new Error(`${kernel.name}: got ${result?.length} elements of ${name}, must be ${target.length}`);
      }
      if (addsTo(kernel, name, named)) result.forEach((value, i) => target[i] += value);
      else target.set(result);
    }
  }
}

function split(kernel: Kernel, views: readonly View[]) {
  const named = [...kernel.inputs, ...kernel.outputs].map((name, i): [string, View] => [name, views[i]]);
  return { inputs: named.slice(0, kernel.inputs.length), outputs: named.slice(kernel.inputs.length) };
}

/** WebGPU's rules: a call may not write a buffer that it reads, nor write one place through two arrays. */
function requireLegal({ kernel, views }: ProgramCall): void {
  const { inputs, outputs } = split(kernel, views);
  for (const [name, { storage, byteOffset, size }] of outputs) {
    const read = inputs.find(([, view]) => view.storage === storage);
    if (read) throw new Error(`${kernel.name}: got ${read[0]} and ${name} in one storage, must be two`);
    const clash = outputs.find(([other, view]) =>
      other !== name && view.storage === storage && view.byteOffset < byteOffset + size * 4 &&
      byteOffset < view.byteOffset + view.size * 4
    );
    if (clash) throw new Error(`${kernel.name}: got ${clash[0]} and ${name} in one place, must be two`);
  }
}
