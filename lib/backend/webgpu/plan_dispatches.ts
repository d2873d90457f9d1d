import type { Binding, DeviceTraits, Dispatch, WgslCall, WgslKernel } from "../../../kernels/wgsl/dispatch.ts";
import { withHalfStorage } from "../../../kernels/wgsl/half_storage.ts";
import { option, say } from "../../errors.ts";
import type { Kernel } from "../../graph/kernel.ts";
import type { Program, ProgramCall } from "../../graph/program.ts";
import { bytesOf, type DeviceStorage, type View } from "../../graph/tensor.ts";
import { GpuError } from "./gpu_error.ts";
import { mebibytes } from "./memory.ts";

/** An array that a dispatch reads or writes, or the scratch memory of its call. */
export type PlannedBinding = View | "scratch";

/** One dispatch of a program, before any of it is on the device. */
export interface PlannedDispatch {
  /** Index of the program's call. */
  readonly call: number;
  readonly label: string;
  readonly source: string;
  readonly reads: readonly PlannedBinding[];
  readonly writes: readonly PlannedBinding[];
  /** The words of `Params`. */
  readonly params: Uint32Array;
  /** Workgroups, folded into two dimensions. */
  readonly across: number;
  readonly down: number;
  /** How long it may take, in floating-point operations; see WORK_PER_BYTE. */
  readonly work: number;
}

/** The traits of a device that decide how a program is cut into dispatches. */
export interface DispatchLimits {
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** Floating-point operations that a GPU does in the time it takes to move a byte: about ten on most, in f32. */
const WORK_PER_BYTE = 10;

/**
 * A dispatch that would take longer is cut if possible, so that no driver mistakes it for a hang and resets the device.
 */
const DISPATCH_SECONDS = 0.5;

/** The work that a GPU is assumed to do in that time until its products are measured: half a second at 200 GFLOP/s. */
export const MAX_DISPATCH_WORK = 1e11;

/** The most work in one dispatch. With too many parts, the last workgroups of each leave a GPU half idle. */
function maxDispatchWork({ tiles = [], matrixTiles = [] }: DeviceTraits): number {
  const measured = Math.max(0, ...[...tiles, ...matrixTiles].flatMap(({ rates }) => Object.values(rates)));
  return Math.max(MAX_DISPATCH_WORK, DISPATCH_SECONDS * measured);
}

/** A program as dispatches, and the scratch memory that its longest call needs. */
export function planDispatches(
  program: Program,
  kernels: ReadonlyMap<string, WgslKernel>,
  traits: DeviceTraits,
  limits: DispatchLimits,
): { readonly dispatches: readonly PlannedDispatch[]; readonly scratchBytes: number } {
  const calls = program.calls.map((call) => ({ call, wgsl: wgslCall(call, kernels, traits) }));
  const maxWork = maxDispatchWork(traits);
  return {
    dispatches: calls.flatMap(({ call, wgsl }, index) =>
      wgsl.dispatches.flatMap((dispatch) => planDispatch(call, index, dispatch, limits, maxWork))
    ),
    scratchBytes: Math.max(0, ...calls.map(({ wgsl }) => wgsl.scratchBytes ?? 0)),
  };
}

function wgslCall(
  { kernel, constants, views }: ProgramCall,
  kernels: ReadonlyMap<string, WgslKernel>,
  traits: DeviceTraits,
): WgslCall {
  const wgsl = kernels.get(kernel.name);
  if (wgsl === undefined) throw new Error(`Cannot load kernel ${kernel.name}: there is no WGSL kernel of that name`);
  const named = Object.fromEntries(Object.keys(kernel.constants).map((name, i) => [name, constants[i]]));
  return wgsl(named, traits, new Set(views.keys().filter((i) => views[i].dtype === "f16")));
}

function planDispatch(
  call: ProgramCall,
  index: number,
  dispatch: Dispatch,
  limits: DispatchLimits,
  maxWork: number,
): PlannedDispatch[] {
  const { workgroups } = dispatch;
  const { inputs, outputs } = call.kernel;
  const resolve = (binding: Binding): PlannedBinding => {
    if (binding === "scratch") return binding;
    if (typeof binding === "number") return call.views[binding];
    const view = call.views[binding.array];
    const { byteOffset } = view;
    const size = binding.count;
    return { ...view, size, byteOffset: byteOffset + bytesOf({ size: binding.first, dtype: view.dtype }) };
  };
  const reads = (dispatch.reads ?? inputs.map((_, i) => i)).map(resolve);
  const writes = (dispatch.writes ?? outputs.map((_, i) => inputs.length + i)).map(resolve);
  const { label, source } = storedAs(dispatch, [...reads, ...writes]);
  requireBindable(label, reads, writes, limits);

  const bytes = [...reads, ...writes].reduce((sum, view) => sum + (view === "scratch" ? 0 : bytesOf(view)), 0);
  const work = Math.max(dispatch.flops ?? 0, bytes * WORK_PER_BYTE);
  const constants = dispatch.params ? Uint32Array.from(dispatch.params) : encode(call.kernel, call.constants);
  const shared = { call: index, label, source, reads, writes };
  if (!dispatch.divisible) return [{ ...shared, params: constants, work, ...fold(label, workgroups, limits) }];

  // A part must not run into the next one, whose results it would add twice: beyond one dimension it fills whole rows.
  const { maxComputeWorkgroupsPerDimension: row } = limits;
  const even = Math.ceil(workgroups / Math.ceil(work / maxWork));
  const perPart = even > row ? Math.ceil(even / row) * row : even;
  return Array.from({ length: Math.ceil(workgroups / perPart) }, (_, part) => {
    const first = part * perPart;
    const count = Math.min(perPart, workgroups - first);
    return {
      ...shared,
      params: Uint32Array.of(...constants, first),
      work: work * count / workgroups,
      ...fold(label, count, limits),
    };
  });
}

/** The dispatch's label and source for the types of its arrays: f32, or some of them f16. */
function storedAs(
  { label, source }: Dispatch,
  bindings: readonly PlannedBinding[],
): { readonly label: string; readonly source: string } {
  const isHalf = (i: number) => {
    const binding = bindings[i];
    return binding !== "scratch" && binding.dtype === "f16";
  };
  const halves = new Set(bindings.keys().filter(isHalf));
  if (halves.size === 0) return { label, source };
  return { label: `${label} f16`, source: withHalfStorage(source, halves) };
}

function encode(kernel: Kernel, constants: readonly number[]): Uint32Array {
  const words = new Uint32Array(constants.length);
  const floats = new Float32Array(words.buffer);
  Object.values(kernel.constants).forEach((type, i) => (type === "f32" ? floats : words)[i] = constants[i]);
  return words;
}

/** Folds workgroups into two dimensions where one would be too long. A few may be added; kernels skip those. */
export function fold(
  label: string,
  workgroups: number,
  { maxComputeWorkgroupsPerDimension: most }: Pick<DispatchLimits, "maxComputeWorkgroupsPerDimension">,
): { across: number; down: number } {
  const down = Math.ceil(workgroups / most);
  if (down > most) {
    throw new Error(`Cannot load kernel ${label}: got ${workgroups} workgroups, must be at most ${most ** 2}`);
  }
  return { across: Math.ceil(workgroups / down), down };
}

/** Finds what WebGPU would refuse, to report it in this project's words. */
function requireBindable(
  label: string,
  reads: readonly PlannedBinding[],
  writes: readonly PlannedBinding[],
  { maxStorageBufferBindingSize: most }: DispatchLimits,
): void {
  const storages = (bindings: readonly PlannedBinding[]) =>
    new Set<DeviceStorage | "scratch">(bindings.map((binding) => binding === "scratch" ? binding : binding.storage));
  const [both] = storages(reads).intersection(storages(writes));
  if (both !== undefined) {
    const name = both === "scratch" ? both : both.name;
    throw new Error(`Cannot load kernel ${label}: it reads and writes storage "${name}", must write another one`);
  }
  for (const view of [...reads, ...writes]) {
    if (view === "scratch" || bytesOf(view) <= most) continue;
    throw new GpuError(
      say`Cannot load kernel ${label}: got an array of ${
        mebibytes(bytesOf(view))
      } in storage "${view.storage.name}", must be at most this adapter's ${
        mebibytes(most)
      }; use a smaller batch or model, or ${option("backend", "wasm")}`,
    );
  }
}
