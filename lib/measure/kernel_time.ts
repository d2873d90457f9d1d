import type { Backend } from "../backend/backend.ts";
import { CompiledGraph } from "../graph/compiled_graph.ts";
import type { Kernel } from "../graph/kernel.ts";
import { Program, type ProgramCall, wholeOf } from "../graph/program.ts";
import { bytesOf, type DType, Storage, type View } from "../graph/tensor.ts";

/** Runs that a median is taken of, and the shortest run that a clock can be trusted with. */
const RUNS = 9;
const SHORTEST_RUN_MS = 20;

/** An array of a kernel call: how many elements, what to fill it with, and what type; a number means f32 at random. */
export type ArraySpec = number | { readonly size: number; readonly dtype: DType; readonly below?: number };

/** One kernel call to time. */
export interface KernelCase {
  readonly kernel: Kernel;
  /** In the order of the kernel's inputs, then outputs. */
  readonly arrays: readonly ArraySpec[];
  /** In the order of the kernel's constants. */
  readonly constants: readonly number[];
}

/** Small numbers, so that nothing overflows however often a kernel adds to its output; integers below a bound. */
function fill(spec: ArraySpec): Float32Array | Uint32Array {
  const { size, dtype = "f32", below = 1 } = typeof spec === "number" ? { size: spec } : spec;
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  if (dtype === "f16") return halves(Float16Array.from({ length: size }, () => (next() - 0.5) * 0.1));
  if (dtype === "u32") return Uint32Array.from({ length: size }, () => Math.floor(next() * below));
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = (next() - 0.5) * 0.1;
  return values;
}

/** f16 as the words that the host writes in their place, with zeros up to a whole word. */
function halves(values: Float16Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(values.length / 2));
  new Float16Array(words.buffer).set(values);
  return words;
}

/** The middle value; of an even number of them, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/**
 * Seconds that one call takes: the median over runs of a program that repeats it often enough to be timed.
 *
 * @param summarize What is made of the runs' times, instead of the median.
 */
export async function secondsPerCall(
  backend: Backend,
  kernelCase: KernelCase,
  summarize: (times: readonly number[]) => number = median,
): Promise<number> {
  return summarize(await timesPerCall(backend, kernelCase));
}

/**
 * Seconds that one call takes in each of several runs of a program that repeats it often enough to be timed.
 * The arrays are the same for each repetition, so small ones stay in the caches, as they do in a model.
 */
export async function timesPerCall(
  backend: Backend,
  { kernel, arrays, constants }: KernelCase,
): Promise<readonly number[]> {
  const views = arrays.map((spec, i): View => {
    const size = typeof spec === "number" ? spec : spec.size;
    const dtype = typeof spec === "number" ? "f32" : spec.dtype;
    const storage = new Storage(`${kernel.name} ${i}`, Math.ceil(bytesOf({ size, dtype }) / 4) * 4);
    return { storage, byteOffset: 0, size, dtype };
  });
  const load = (repeats: number): Promise<CompiledGraph> => {
    const calls: ProgramCall[] = Array.from({ length: repeats }, () => ({ kernel, views, constants }));
    const program = new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
    return CompiledGraph.load(backend, program);
  };
  const host = views.map((view) => view.dtype === "f16" ? wholeOf(view.storage, "u32") : view);
  const last = { ...host[views.length - 1], size: 1 };
  const time = async (compiled: CompiledGraph): Promise<number> => {
    const start = performance.now();
    await compiled.run();
    // A GPU's run resolves when the work is submitted; reading waits for its end.
    await backend.read(last);
    return performance.now() - start;
  };
  try {
    let repeats = 1;
    let compiled = await load(1);
    arrays.forEach((spec, i) => backend.write(host[i], fill(spec)));
    // Twice to begin with: engines compile code better once it has run.
    await time(compiled);
    for (let ms = await time(compiled); ms < SHORTEST_RUN_MS; ms = await time(compiled)) {
      repeats = Math.ceil(repeats * Math.min(20, 1.3 * SHORTEST_RUN_MS / ms));
      compiled = await load(repeats);
      await time(compiled);
    }
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) times.push(await time(compiled));
    return times.map((ms) => ms / repeats / 1000);
  } finally {
    for (const view of new Set(views.map(({ storage }) => storage))) backend.release(view);
  }
}
