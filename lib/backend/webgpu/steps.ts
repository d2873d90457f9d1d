import { bytesOf } from "../../graph/tensor.ts";
import type { Failures } from "./failures.ts";
import type { Memory } from "./memory.ts";
import type { Pipelines } from "./pipelines.ts";
import type { PlannedBinding, PlannedDispatch } from "./plan_dispatches.ts";

/** Uniform buffers are bound at multiples of this: WebGPU's default `minUniformBufferOffsetAlignment`. */
const PARAMS_STRIDE = 256;

/** The parts of a device that programs share. */
export interface DeviceParts {
  readonly device: GPUDevice;
  readonly memory: Memory;
  readonly pipelines: Pipelines;
  readonly failures: Failures;
}

/** One dispatch, ready to be encoded. */
export interface Step {
  readonly call: number;
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly across: number;
  readonly down: number;
  readonly work: number;
}

/** Dispatches on the device, and what only they use there. */
export interface BoundSteps {
  readonly steps: readonly Step[];
  /** The `Params` of every dispatch. */
  readonly params: GPUBuffer;
  /** The memory for a call's intermediate results, which other programs use too. */
  readonly scratch: GPUBuffer | undefined;
}

/** Binds dispatches that are compiled and whose storages are allocated. */
export function bindSteps(
  parts: DeviceParts,
  dispatches: readonly PlannedDispatch[],
  compiled: readonly GPUComputePipeline[],
  scratch: GPUBuffer | undefined,
): BoundSteps {
  const params = makeParams(parts.device, dispatches);
  const steps = dispatches.map((dispatch, i) => {
    const { call, label, across, down, work } = dispatch;
    const bindGroup = parts.failures.watch(label, () => bind(parts, dispatch, scratch, params, i));
    return { call, label, pipeline: compiled[i], bindGroup, across, down, work };
  });
  return { steps, params, scratch };
}

/** Encodes steps into a compute pass. */
export function encodeSteps(pass: GPUComputePassEncoder, steps: readonly Step[]): void {
  let current: GPUComputePipeline | undefined;
  for (const { pipeline, bindGroup, across, down } of steps) {
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(across, down);
  }
}

/** One uniform buffer with the `Params` of every dispatch. */
function makeParams(device: GPUDevice, dispatches: readonly PlannedDispatch[]): GPUBuffer {
  const buffer = device.createBuffer({
    label: "params",
    size: Math.max(1, dispatches.length) * PARAMS_STRIDE,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  const range = buffer.getMappedRange();
  dispatches.forEach(({ params }, i) => new Uint32Array(range, i * PARAMS_STRIDE, params.length).set(params));
  buffer.unmap();
  return buffer;
}

function bind(
  { device, memory, pipelines }: DeviceParts,
  { label, reads, writes }: PlannedDispatch,
  scratch: GPUBuffer | undefined,
  params: GPUBuffer,
  index: number,
): GPUBindGroup {
  const resource = (binding: PlannedBinding): GPUBufferBinding =>
    binding === "scratch" ? { buffer: scratch! } : {
      buffer: memory.bufferOf(binding.storage),
      offset: binding.byteOffset,
      size: Math.ceil(bytesOf(binding) / 4) * 4,
    };
  const resources = [
    ...[...reads, ...writes].map(resource),
    { buffer: params, offset: index * PARAMS_STRIDE, size: PARAMS_STRIDE },
  ];
  return device.createBindGroup({
    label,
    layout: pipelines.layout(reads.length, writes.length),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
}
