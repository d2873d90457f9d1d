import type { Kernel } from "./kernel.ts";
import { indicesOf } from "./indices.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, type DType, type Placement, type Tensor, type View } from "./tensor.ts";

/** One kernel call with every array placed. */
export interface ProgramCall {
  /** The kernel to run. */
  readonly kernel: Kernel;
  /** In the order of the kernel's inputs, then its outputs. */
  readonly views: readonly View[];
  /** In the order of the kernel's constants. */
  readonly constants: readonly number[];
}

/** A flat list of kernel calls over placed arrays: what a backend loads once and replays every step. */
export class Program {
  /** In the order in which they run. */
  readonly calls: readonly ProgramCall[];
  /** The inputs' storage, and every storage that the calls touch, including shared ones (parameters). */
  readonly storages: readonly DeviceStorage[];
  /** The storage that holds all of the graph's inputs, if it has any. */
  readonly inputs: DeviceStorage | undefined;
  /** Storages that the planner made for intermediates. */
  readonly scratch: readonly DeviceStorage[];
  readonly #placements: ReadonlyMap<Tensor, Placement>;

  /** Made by {@linkcode plan}, from placed calls. */
  constructor(
    parts: {
      calls: readonly ProgramCall[];
      inputs: DeviceStorage | undefined;
      scratch: readonly DeviceStorage[];
      placements: ReadonlyMap<Tensor, Placement>;
    },
  ) {
    this.calls = parts.calls;
    this.inputs = parts.inputs;
    this.scratch = parts.scratch;
    this.#placements = parts.placements;
    const inputs = parts.inputs === undefined ? [] : [parts.inputs];
    const touched = parts.calls.flatMap((call) => call.views.map((view) => view.storage));
    this.storages = [...new Set([...inputs, ...touched])];
  }

  /** The tensors that `inputs` holds. */
  get inputTensors(): readonly Tensor[] {
    return [...this.#placements].filter(([, { storage }]) => storage === this.inputs).map(([tensor]) => tensor);
  }

  /**
   * The place of a tensor that outlives the run: an input, a tensor that was kept, or one with a fixed placement.
   * @throws {Error} If the planner was free to reuse its memory.
   */
  view(tensor: Tensor): View {
    const placement = tensor.placement ?? this.#placements.get(tensor.base);
    if (placement === undefined) {
      throw new Error(`Cannot view ${tensor}: the plan reuses its memory; name it in plan's keep`);
    }
    const view = viewOf(tensor, placement);
    return tensor.below === Infinity ? view : { ...view, indices: indicesOf(tensor) };
  }
}

/** A tensor at a place. */
export function viewOf(tensor: { size: number; dtype: DType }, placement: Placement): View {
  return { storage: placement.storage, byteOffset: placement.byteOffset, size: tensor.size, dtype: tensor.dtype };
}

/** The whole of a storage as one array. */
export function wholeOf(storage: DeviceStorage, dtype: DType = "f32"): View {
  return { storage, byteOffset: 0, size: storage.bytes / BYTES_PER_ELEMENT, dtype };
}
