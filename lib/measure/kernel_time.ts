import type { Backend, Executable } from "../backend/backend.ts";
import type { Kernel } from "../graph/kernel.ts";
import { Program, type ProgramCall, wholeOf } from "../graph/program.ts";
import { type ArraySpec, contentsOf, viewsOf } from "./kernel_arrays.ts";
import { repeatedTimes } from "./repeated_times.ts";

/** The shortest run by the device's clock: as long as a thousand launches, and many ticks. */
const SHORTEST_ON_DEVICE_SECONDS = 0.01;

/** Launching alone takes longer than that, this many times. */
const MOST_ON_DEVICE = 1 << 17;

/**
 * The shortest run by the host's clock, and how many times longer than the wait for results it must be: the wait is
 * subtracted, but it varies.
 */
const SHORTEST_ON_HOST_SECONDS = 0.02;
const WAITS_IN_RUN = 4;

/** How many waits are measured to find the shortest. */
const WAITS = 5;

/** One kernel call to time. */
export interface KernelCase {
  readonly kernel: Kernel;
  /** In the order of the kernel's inputs, then outputs. */
  readonly arrays: readonly ArraySpec[];
  /** In the order of the kernel's constants. */
  readonly constants: readonly number[];
}

/** The middle value; of an even number of them, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/**
 * Seconds per call: the median over runs that repeat it often enough for timing.
 *
 * @param summarize Summarizes the runs' times, instead of the median.
 */
export async function secondsPerCall(
  backend: Backend,
  kernelCase: KernelCase,
  summarize: (times: readonly number[]) => number = median,
): Promise<number> {
  return summarize(await timesPerCall(backend, kernelCase));
}

/**
 * Seconds per call in each of several runs that repeat it often enough for timing. Uses the device's own clock if it
 * has
 * one, else the host's, without the time it takes to learn of the end. The arrays are the same in each repetition, so
 * small ones stay in the caches, as they do in a model.
 */
export async function timesPerCall(
  backend: Backend,
  { kernel, arrays, constants }: KernelCase,
): Promise<readonly number[]> {
  const views = viewsOf(kernel.name, arrays);
  const load = (repeats: number): Promise<Executable> => {
    const calls = Array.from({ length: repeats }, (): ProgramCall => ({ kernel, views, constants }));
    // Even a program without calls has a storage, so that the storage is freed with it.
    return backend.load(new Program({ calls, inputs: views[0].storage, scratch: [], placements: new Map() }));
  };
  const host = views.map((view) => view.dtype === "f16" ? wholeOf(view.storage, "u32") : view);
  try {
    const once = await load(1);
    arrays.forEach((spec, i) => {
      if (typeof spec === "number" || !spec.isZero) backend.write(host[i], contentsOf(spec));
    });
    const { time } = once;
    const byDevice = time ? await repeatedTimes(time, SHORTEST_ON_DEVICE_SECONDS, MOST_ON_DEVICE) : [];
    if (byDevice.length > 0) return byDevice;
    // Reads as little as possible.
    const last = { ...host[views.length - 1], size: 1 };
    return await timesByHost(load, async () => void await backend.read(last));
  } finally {
    for (const { storage } of views) backend.release(storage);
  }
}

/**
 * By the host's clock. A run ends when its results can be read, which takes milliseconds on a GPU even for an empty
 * run.
 * That wait is measured and subtracted.
 *
 * @param load Makes a program of this many calls.
 * @param drain Waits until the device is done.
 */
async function timesByHost(
  load: (repeats: number) => Promise<Executable>,
  drain: () => Promise<void>,
): Promise<readonly number[]> {
  let [loaded, executable] = [0, await load(0)];
  const elapsed = async (repeats: number): Promise<number> => {
    if (repeats !== loaded) {
      [loaded, executable] = [repeats, await load(repeats)];
      await executable.run();
      await drain();
    }
    const start = performance.now();
    await executable.run();
    await drain();
    return (performance.now() - start) / 1000;
  };
  const waits: number[] = [];
  for (let i = 0; i < WAITS; i++) waits.push(await elapsed(0));
  // The shortest, because other programs do not delay every run, and no time may come out below zero.
  const wait = Math.min(...waits);
  const shortest = Math.max(SHORTEST_ON_HOST_SECONDS, WAITS_IN_RUN * wait);
  return await repeatedTimes(async (repeats) => await elapsed(repeats) - wait, shortest);
}
