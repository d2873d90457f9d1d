import type { Call, Graph } from "./graph.ts";
import { Program, viewOf } from "./program.ts";
import { bytesOf, DeviceStorage, type Placement, type Tensor } from "./tensor.ts";

/**
 * Arrays that share a storage start at multiples of this: WebGPU's default `minStorageBufferOffsetAlignment`,
 * and a multiple of every CPU's cache line.
 */
export const ALIGNMENT_BYTES = 256;

/** Rounds a size in bytes up to the alignment. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

/** Options for `plan`. */
export interface PlanOptions {
  /** Intermediates to read after a run: each gets a storage that nothing else uses. */
  readonly keep?: Iterable<Tensor>;
}

/** A storage in the making: intermediates whose lifetimes do not overlap take turns in it. */
interface Slot {
  bytes: number;
  storage?: DeviceStorage;
}

/**
 * Gives every intermediate a slot in reused memory, and resolves the graph's calls to placed arrays.
 *
 * Calls are walked in order. A tensor takes the smallest free slot that holds it, else the largest free slot, enlarged,
 * else a new one. After its last use its slot is free again. A slot is a storage of its own, because WebGPU does not
 * let a call read and write the same buffer.
 */
export function plan(graph: Graph, options: PlanOptions = {}): Program {
  const keep = new Set([...options.keep ?? []].map(({ base }) => base));
  const placements = new Map<Tensor, Placement>();
  const inputs = placeInputs(graph.inputs, placements);
  const lastUse = findLastUse(graph.calls);
  const slots: Slot[] = [];
  const slotOf = new Map<Tensor, Slot>();
  const free = new Set<Slot>();

  graph.calls.forEach((call, index) => {
    const tensors = basesOf([...call.inputs, ...call.outputs]);
    for (const tensor of tensors) {
      if (tensor.placement || placements.has(tensor) || slotOf.has(tensor)) continue;
      if (!basesOf(call.outputs).has(tensor)) {
        throw new Error(`Cannot plan ${call.kernel.name}: nothing computes its input ${tensor}`);
      }
      const bytes = align(bytesOf(tensor));
      const slot = keep.has(tensor) ? undefined : takeSlot(free, bytes);
      slotOf.set(tensor, slot ?? newSlot(slots, bytes));
    }
    for (const tensor of tensors) {
      const slot = slotOf.get(tensor);
      if (slot && !keep.has(tensor) && lastUse.get(tensor) === index) free.add(slot);
    }
  });

  slots.forEach((slot, i) => slot.storage = new DeviceStorage(`scratch ${i}`, slot.bytes));
  const place = ({ base: tensor }: Tensor): Placement =>
    tensor.placement ?? placements.get(tensor) ?? { storage: slotOf.get(tensor)!.storage!, byteOffset: 0 };
  const calls = graph.calls.map((call) => ({
    kernel: call.kernel,
    views: [...call.inputs, ...call.outputs].map((tensor) => viewOf(tensor, place(tensor))),
    constants: call.constants,
  }));
  for (const tensor of keep) {
    if (slotOf.has(tensor)) placements.set(tensor, place(tensor));
  }
  return new Program({ calls, inputs, scratch: slots.map((slot) => slot.storage!), placements });
}

/** Packs the inputs into one storage, so that the host can write them in one transfer. */
function placeInputs(inputs: readonly Tensor[], placements: Map<Tensor, Placement>): DeviceStorage | undefined {
  if (inputs.length === 0) return undefined;
  const offsets: number[] = [];
  let bytes = 0;
  for (const tensor of inputs) {
    offsets.push(bytes);
    bytes += align(bytesOf(tensor));
  }
  const storage = new DeviceStorage("inputs", bytes);
  inputs.forEach((tensor, i) => placements.set(tensor, { storage, byteOffset: offsets[i] }));
  return storage;
}

/** The tensors that have the places. */
function basesOf(tensors: readonly Tensor[]): Set<Tensor> {
  return new Set(tensors.map(({ base }) => base));
}

function findLastUse(calls: readonly Call[]): Map<Tensor, number> {
  const lastUse = new Map<Tensor, number>();
  calls.forEach((call, index) => {
    for (const tensor of basesOf([...call.inputs, ...call.outputs])) lastUse.set(tensor, index);
  });
  return lastUse;
}

function takeSlot(free: Set<Slot>, bytes: number): Slot | undefined {
  let best: Slot | undefined;
  for (const slot of free) {
    if (best === undefined) best = slot;
    else if (slot.bytes >= bytes) best = best.bytes >= bytes && best.bytes <= slot.bytes ? best : slot;
    else if (best.bytes < bytes && slot.bytes > best.bytes) best = slot;
  }
  if (best === undefined) return undefined;
  free.delete(best);
  best.bytes = Math.max(best.bytes, bytes);
  return best;
}

function newSlot(slots: Slot[], bytes: number): Slot {
  const slot = { bytes };
  slots.push(slot);
  return slot;
}
