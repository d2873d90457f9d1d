import type { DeviceParts, Step } from "./steps.ts";
import { encodeSteps } from "./steps.ts";

/** Timestamps that one query set may hold: WebGPU's limit is 4096. */
const MAX_TIMESTAMPS = 4096;

/** The time over which the clock's tick is measured. */
const CALIBRATION_MS = 250;

/** Nanoseconds per tick of common GPUs: NVIDIA, Apple and llvmpipe; AMD; Intel, two generations; others. */
const KNOWN_TICKS = [1, 10, 1000 / 12, 1000 / 19.2, 1000 / 24, 1000 / 25, 1000 / 27, 32];

/** A measured tick this close to a known one is taken to be that one. */
const TICK_TOLERANCE = 0.05;

/** The device's clock. WebGPU promises nanoseconds, but Deno passes on the device's own ticks, and not their length. */
export class Clock {
  #nanosecondsPerTick: number | undefined;

  /** Measures the tick once, against the host's clock. */
  async nanosecondsPerTick(parts: DeviceParts): Promise<number> {
    this.#nanosecondsPerTick ??= await measureTick(parts);
    return this.#nanosecondsPerTick;
  }
}

/** Runs each group of steps in a pass of its own and returns how many seconds each pass took. */
export async function timePasses(
  parts: DeviceParts,
  clock: Clock,
  name: string,
  passes: readonly (readonly Step[])[],
): Promise<number[]> {
  const nanoseconds = await clock.nanosecondsPerTick(parts);
  const times: number[] = [];
  for (let first = 0; first < passes.length; first += MAX_TIMESTAMPS / 2) {
    const part = passes.slice(first, first + MAX_TIMESTAMPS / 2);
    const ticks = await timestamps(parts, name, part);
    for (let i = 0; i < part.length; i++) times.push(Number(ticks[2 * i + 1] - ticks[2 * i]) * nanoseconds / 1e9);
  }
  return times;
}

/** Runs each group of steps in a pass of its own; returns the device's time at the beginning and end of each. */
async function timestamps(
  { device, memory, failures }: DeviceParts,
  name: string,
  passes: readonly (readonly Step[])[],
): Promise<BigUint64Array> {
  const count = 2 * passes.length;
  const querySet = device.createQuerySet({ label: name, type: "timestamp", count });
  const size = count * BigUint64Array.BYTES_PER_ELEMENT;
  const buffer = device.createBuffer({
    label: name,
    size,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  try {
    failures.watch(name, () => {
      for (const [i, steps] of passes.entries()) {
        const encoder = device.createCommandEncoder({ label: name });
        const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
        const pass = encoder.beginComputePass({ label: name, timestampWrites });
        encodeSteps(pass, steps);
        pass.end();
        if (i === passes.length - 1) encoder.resolveQuerySet(querySet, 0, count, buffer, 0);
        device.queue.submit([encoder.finish()]);
      }
    });
    const bytes = new Uint8Array(size);
    await memory.copyToHost(buffer, 0, bytes);
    return new BigUint64Array(bytes.buffer);
  } finally {
    buffer.destroy();
    querySet.destroy();
  }
}

/** Compares the device's clock with the host's over a quarter of a second. */
async function measureTick(parts: DeviceParts): Promise<number> {
  const now = async () => {
    const before = performance.now();
    const [ticks] = await timestamps(parts, "calibration of the clock", [[]]);
    return { host: before, device: ticks };
  };
  await now();
  const start = await now();
  let end = await now();
  while (end.host - start.host < CALIBRATION_MS) end = await now();
  const measured = (end.host - start.host) * 1e6 / Number(end.device - start.device);
  return KNOWN_TICKS.find((known) => Math.abs(measured / known - 1) < TICK_TOLERANCE) ?? measured;
}
