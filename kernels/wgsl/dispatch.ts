/** What a kernel call becomes on a GPU: one or more dispatches of WGSL modules. */

import type { RatedMatrixTile } from "./matmul/matmul_subgroup_tile.ts";
import type { RatedTile } from "./matmul/matmul_tile.ts";
import type { SubgroupMatrices } from "./matmul/subgroup_matrix.ts";
import { ofWidth, type Width, widthFor, withConstants } from "./specialize.ts";

/** What the choice of a kernel's source may depend on besides its sizes. */
export interface DeviceTraits {
  /** A CPU poses as a GPU: its caches serve where workgroup memory would, and a barrier is dear. */
  readonly software: boolean;
  /** Bytes of workgroup memory that a workgroup may have. */
  readonly maxWorkgroupBytes: number;
  /** Invocations that a workgroup may have. */
  readonly maxInvocations: number;
  /** Bytes that can be bound of a storage at once. */
  readonly maxBindingBytes: number;
  /** The device multiplies subgroup matrices of f16 into f32. */
  readonly matrices?: SubgroupMatrices;
  /** Tiles for matrix products, and how fast this device is with each; those of TILES by default. */
  readonly tiles?: readonly RatedTile[];
  /** The same of subgroup matrices; those of MATRIX_TILES by default. */
  readonly matrixTiles?: readonly RatedMatrixTile[];
}

/** A kernel's constants by name. */
export type Constants = Readonly<Record<string, number>>;

/** A stretch of an array, for arrays that are too large to be bound whole. */
export interface Window {
  /** The call's array with this index: inputs, then outputs. */
  readonly array: number;
  /** The first element, a multiple of WINDOW_ALIGNMENT, and how many there are. */
  readonly first: number;
  readonly count: number;
}

/** What a binding holds: one of the call's arrays, by its index, part of one, or memory that lives for one call. */
export type Binding = number | Window | "scratch";

/** One dispatch. Bindings are `reads`, then `writes`, then the uniform `Params`. */
export interface Dispatch {
  /** The kernel's name, and the variant's where there are several. */
  readonly label: string;
  readonly source: string;
  /**
   * Workgroups in all. The backend may fold them into two dimensions and round up, so a kernel computes
   * `workgroup_id.y * num_workgroups.x + workgroup_id.x` and returns where that is too large.
   */
  readonly workgroups: number;
  /** The call's inputs by default. */
  readonly reads?: readonly Binding[];
  /** The call's outputs by default. */
  readonly writes?: readonly Binding[];
  /** The values of `Params`, all u32; the call's constants by default. */
  readonly params?: readonly number[];
  /** Floating-point operations, where they and not the memory traffic may decide how long the dispatch takes. */
  readonly flops?: number;
  /**
   * `Params` ends with a u32 more, which the kernel adds to its workgroup index: the dispatch can be cut into several, so
   * that none occupies a slow GPU for long.
   */
  readonly divisible?: boolean;
}

/** A call on a GPU: its dispatches in order, and the scratch memory that passes between them. */
export interface WgslCall {
  readonly dispatches: readonly Dispatch[];
  readonly scratchBytes?: number;
}

/**
 * Decides how a kernel with these constants runs on a device.
 * @param halves Which of the call's arrays, inputs and then outputs, hold f16: a source that reads and writes f32 is made
 * to fit by itself, so only what is faster in another way for f16 needs to look.
 */
export type WgslKernel = (constants: Constants, traits: DeviceTraits, halves?: ReadonlySet<number>) => WgslCall;

/** Invocations in a workgroup of the plain kernels. */
export const WORKGROUP = 256;

/** Where windows may begin, in elements: WebGPU binds storage at multiples of 256 bytes, which is this many f16. */
export const WINDOW_ALIGNMENT = 128;

/** Elements of a window at most. */
export function maxWindow({ maxBindingBytes }: DeviceTraits): number {
  return Math.floor(maxBindingBytes / 4 / WINDOW_ALIGNMENT) * WINDOW_ALIGNMENT;
}

/**
 * A kernel with one invocation for each of `n` elements, which lie side by side in some of its arrays: where those are
 * too large to be bound, it goes through them window by window. It reads four of their numbers at once where `n`
 * allows it: the source declares them as arrays of `Element`, and those of u32 as arrays of `Integers`.
 *
 * @param flat For each input, then each output: whether it is such an array.
 * @param inputs How many of them are inputs.
 * @param params The words of `Params` after the number of elements, given the window's first; the constants after `n`
 * by default.
 * @param widthOf How many numbers an `Element` is, where not only `n` must divide by it.
 */
export function flatElementwise(
  label: string,
  source: string,
  inputs: number,
  flat: readonly boolean[],
  params: (constants: Constants, first: number) => Iterable<number> = (constants) => Object.values(constants).slice(1),
  widthOf: (constants: Constants) => Width = ({ n }) => widthFor(n),
): WgslKernel {
  return (constants, traits) => {
    const dispatches: Dispatch[] = [];
    const size = maxWindow(traits);
    const width = widthOf(constants);
    const wide = ofWidth(source, width);
    for (let first = 0; first < constants.n; first += size) {
      const count = Math.min(size, constants.n - first);
      const bindings = flat.map((isFlat, array): Binding => isFlat ? { array, first, count } : array);
      dispatches.push({
        label,
        source: wide,
        workgroups: Math.ceil(count / width / WORKGROUP),
        reads: bindings.slice(0, inputs),
        writes: bindings.slice(inputs),
        params: [count / width, ...params(constants, first)],
      });
    }
    return { dispatches };
  };
}

/** The words of numbers as float32. */
export function bitsOf(values: readonly number[]): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}

/** A kernel with one invocation for each of `count` elements. */
export function elementwise(label: string, source: string, count: (constants: Constants) => number): WgslKernel {
  return (constants) => ({ dispatches: [{ label, source, workgroups: Math.ceil(count(constants) / WORKGROUP) }] });
}

/**
 * A kernel with one invocation for each `Element` of rows that lie side by side. The source has a constant ROW, which
 * becomes the elements of a row.
 */
export function rowElementwise(
  label: string,
  source: string,
  count: (constants: Constants) => number,
  length: (constants: Constants) => number,
): WgslKernel {
  return (constants) => {
    const width = widthFor(length(constants));
    const row = length(constants) / width;
    const sized = withConstants(ofWidth(source, width), { ROW: row });
    return { dispatches: [{ label, source: sized, workgroups: Math.ceil(count(constants) * row / WORKGROUP) }] };
  };
}

/** A kernel with one workgroup for each of `count` parts. */
export function workgroupPer(label: string, source: string, count: (constants: Constants) => number): WgslKernel {
  return (constants) => ({ dispatches: [{ label, source, workgroups: count(constants) }] });
}

/** Elements of a row that one invocation should have: fewer invocations wait for each other less. */
const ELEMENTS_PER_INVOCATION = 4;

/** Invocations of the smallest workgroup: two of the groups in which GPUs execute them. */
const SMALLEST_WORKGROUP = 64;

/** A kernel with one workgroup for each of `count` rows, its size by the rows' length. */
export function workgroupPerRow(
  label: string,
  source: string,
  count: (constants: Constants) => number,
  length: (constants: Constants) => number,
): WgslKernel {
  return (constants) => {
    const wanted = 2 ** Math.ceil(Math.log2(length(constants) / ELEMENTS_PER_INVOCATION));
    const size = Math.max(SMALLEST_WORKGROUP, Math.min(WORKGROUP, wanted));
    const sized = withConstants(source, { WORKGROUP: size });
    return { dispatches: [{ label, source: sized, workgroups: count(constants) }] };
  };
}
