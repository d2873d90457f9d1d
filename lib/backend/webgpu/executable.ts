import type { Binding, DeviceTraits, Dispatch, WgslCall } from "../../../kernels/wgsl/dispatch.ts";
import { wgslKernels } from "../../../kernels/wgsl/mod.ts";
import type { Kernel } from "../../graph/kernel.ts";
import type { Program, ProgramCall } from "../../graph/program.ts";
import { BYTES_PER_ELEMENT } from "../../graph/tensor.ts";
import type { Executable } from "../backend.ts";
import type { Failures } from "./failures.ts";
import { mebibytes, type Memory } from "./memory.ts";
import type { Pipelines } from "./pipelines.ts";

/** Uniform buffers are bound at multiples of this: WebGPU's default `minUniformBufferOffsetAlignment`. */
const PARAMS_STRIDE = 256;

/** The parts of a device that a program needs. */
export interface DeviceParts {
  readonly device: GPUDevice;
  readonly traits: DeviceTraits;
  readonly memory: Memory;
  readonly pipelines: Pipelines;
  readonly failures: Failures;
}

/** One dispatch, ready to be encoded. */
interface Step {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly across: number;
  readonly down: number;
}

/** A program on the device: pipelines, bind groups and constants are made once, a run only encodes dispatches. */
export class WebGpuExecutable implements Executable {
  readonly #parts: DeviceParts;
  readonly #name: string;
  readonly #steps: readonly Step[];

  private constructor(parts: DeviceParts, name: string, steps: readonly Step[]) {
    this.#parts = parts;
    this.#name = name;
    this.#steps = steps;
  }

  /** Compiles and binds a program whose storages are allocated. */
  static async load(parts: DeviceParts, program: Program): Promise<WebGpuExecutable> {
    const calls = program.calls.map((call) => ({ call, wgsl: wgslCall(call, parts.traits) }));
    const dispatches = calls.flatMap(({ call, wgsl }) => wgsl.dispatches.map((dispatch) => ({ call, dispatch })));
    const scratch = await makeScratch(parts, Math.max(0, ...calls.map(({ wgsl }) => wgsl.scratchBytes ?? 0)));
    const params = makeParams(parts.device, dispatches);
    const steps = await Promise.all(
      dispatches.map(({ call, dispatch }, i) => makeStep(parts, call, dispatch, scratch, params, i)),
    );
    return new WebGpuExecutable(parts, describe(program), steps);
  }

  run(): Promise<void> {
    const { device, failures } = this.#parts;
    try {
      failures.throwIfFailed();
      failures.watch(this.#name, () => {
        const encoder = device.createCommandEncoder({ label: this.#name });
        const pass = encoder.beginComputePass({ label: this.#name });
        let current: GPUComputePipeline | undefined;
        for (const { pipeline, bindGroup, across, down } of this.#steps) {
          if (pipeline !== current) pass.setPipeline(pipeline);
          current = pipeline;
          pass.setBindGroup(0, bindGroup);
          pass.dispatchWorkgroups(across, down);
        }
        pass.end();
        device.queue.submit([encoder.finish()]);
      });
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

function describe({ calls }: Program): string {
  return calls.length === 1
    ? calls[0].kernel.name
    : `the program ${calls[0]?.kernel.name} … ${calls.at(-1)?.kernel.name}`;
}

function wgslCall({ kernel, constants }: ProgramCall, traits: DeviceTraits): WgslCall {
  const wgsl = wgslKernels.get(kernel.name);
  if (wgsl === undefined) throw new Error(`Cannot load kernel ${kernel.name}: there is no WGSL kernel of that name`);
  return wgsl(Object.fromEntries(Object.keys(kernel.constants).map((name, i) => [name, constants[i]])), traits);
}

async function makeScratch({ memory }: DeviceParts, bytes: number): Promise<GPUBuffer | undefined> {
  if (bytes === 0) return undefined;
  const { result, error } = memory.create("scratch of a program", bytes, GPUBufferUsage.STORAGE);
  const failure = await error;
  if (failure) throw new Error(`Cannot allocate ${mebibytes(bytes)} of scratch memory: ${failure.message}`);
  return result;
}

/** One uniform buffer with the `Params` of every dispatch. */
function makeParams(device: GPUDevice, dispatches: readonly { call: ProgramCall; dispatch: Dispatch }[]): GPUBuffer {
  const buffer = device.createBuffer({
    label: "params",
    size: Math.max(1, dispatches.length) * PARAMS_STRIDE,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  const range = buffer.getMappedRange();
  dispatches.forEach(({ call, dispatch }, i) => {
    const words = dispatch.params ? Uint32Array.from(dispatch.params) : encodeConstants(call.kernel, call.constants);
    new Uint32Array(range, i * PARAMS_STRIDE, words.length).set(words);
  });
  buffer.unmap();
  return buffer;
}

function encodeConstants(kernel: Kernel, constants: readonly number[]): Uint32Array {
  const words = new Uint32Array(constants.length);
  const floats = new Float32Array(words.buffer);
  Object.values(kernel.constants).forEach((type, i) => (type === "f32" ? floats : words)[i] = constants[i]);
  return words;
}

async function makeStep(
  parts: DeviceParts,
  call: ProgramCall,
  dispatch: Dispatch,
  scratch: GPUBuffer | undefined,
  params: GPUBuffer,
  index: number,
): Promise<Step> {
  const { device, pipelines, memory } = parts;
  const { label } = dispatch;
  const { inputs, outputs } = call.kernel;
  const reads = dispatch.reads ?? inputs.map((_, i) => i);
  const writes = dispatch.writes ?? outputs.map((_, i) => inputs.length + i);
  const resource = (binding: Binding): GPUBufferBinding => {
    if (binding === "scratch") return { buffer: scratch! };
    const { storage, byteOffset, size } = call.views[binding];
    return { buffer: memory.bufferOf(storage), offset: byteOffset, size: size * BYTES_PER_ELEMENT };
  };
  checkBindings(parts, call, label, reads, writes);
  const pipeline = await pipelines.compile(dispatch, reads.length, writes.length);
  const bindings = [
    ...[...reads, ...writes].map(resource),
    { buffer: params, offset: index * PARAMS_STRIDE, size: PARAMS_STRIDE },
  ];
  const bindGroup = parts.failures.watch(label, () =>
    device.createBindGroup({
      label,
      layout: pipelines.layout(reads.length, writes.length),
      entries: bindings.map((resource, binding) => ({ binding, resource })),
    }));
  return { label, pipeline, bindGroup, ...fold(dispatch, device.limits.maxComputeWorkgroupsPerDimension) };
}

/** Finds out what WebGPU would refuse, to say it in this project's words. */
function checkBindings(
  { device }: DeviceParts,
  call: ProgramCall,
  label: string,
  reads: readonly Binding[],
  writes: readonly Binding[],
): void {
  const storages = (bindings: readonly Binding[]) =>
    new Set(bindings.map((binding) => binding === "scratch" ? binding : call.views[binding].storage));
  const both = storages(reads).intersection(storages(writes)).values().next().value;
  if (both !== undefined) {
    const name = both === "scratch" ? both : both.name;
    throw new Error(`Cannot load kernel ${label}: it reads and writes storage "${name}", must write another one`);
  }
  const most = device.limits.maxStorageBufferBindingSize;
  for (const { storage, size } of call.views) {
    if (size * BYTES_PER_ELEMENT <= most) continue;
    throw new Error(
      `Cannot load kernel ${label}: got an array of ${mebibytes(size * BYTES_PER_ELEMENT)} in storage ` +
        `"${storage.name}", must be at most this adapter's ${mebibytes(most)}; use a smaller batch or model`,
    );
  }
}

/** Folds workgroups into two dimensions where one would be too long. A few may be added; kernels skip them. */
function fold({ label, workgroups }: Dispatch, most: number): { across: number; down: number } {
  const down = Math.ceil(workgroups / most);
  if (down > most) {
    throw new Error(`Cannot load kernel ${label}: got ${workgroups} workgroups, must be at most ${most ** 2}`);
  }
  return { across: Math.ceil(workgroups / down), down };
}
