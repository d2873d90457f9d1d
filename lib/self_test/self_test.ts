import type { Backend } from "../backend/backend.ts";
import type { WebGpuBackend } from "../backend/webgpu.ts";
import type { Precision } from "../graph/graph.ts";
import { CompiledGraph } from "../graph/compiled_graph.ts";
import { plan } from "../graph/plan.ts";
import { wholeOf } from "../graph/program.ts";
import { BYTES_PER_ELEMENT } from "../graph/tensor.ts";
import { sha256 } from "../io/sha256.ts";
import { Philox } from "../random/philox.ts";
import { inHalf, largeProbes, type Probe, type ProbeInput, smallProbes } from "./self_test_probes.ts";
import { probeProgram } from "./self_test_program.ts";
import { samplingFaults, samplingGraph } from "./self_test_sampling.ts";

/** A kernel that computes something wrong. */
export interface KernelFault {
  /** The kernel's name. */
  readonly kernel: string;
  /** Where it is wrong, and by how much, in words. */
  readonly detail: string;
}

/** Options for `selfTest`. */
export interface SelfTestOptions {
  /** Whether to test products large enough for the kernels of large models too; a real GPU does them in no time. */
  readonly large?: boolean;
  /** The kernels to test; all by default. */
  readonly probes?: readonly Probe[];
  /** `"f16"` tests what graphs in f16 call, the way they call it; `"f32"` by default. */
  readonly precision?: Precision;
}

/**
 * The largest difference that passes, relative to the largest expected value: far above the rounding error of a sum of
 * a
 * few thousand terms, and far below the error of a wrong kernel.
 */
const TOLERANCE = 1e-4;

/** The same for an output in f16: twice the rounding of its largest elements, 2⁻¹¹. */
const HALF_TOLERANCE = 2 ** -10;

const SEED = 7;

/** Random numbers are drawn once and then repeated: drawing millions would take longer than the test. */
const RANDOM_NUMBERS = 8191;

/**
 * Runs every kernel on small random arrays and compares the results with another backend's. Drivers have been seen to
 * return zeros or worse, and a model would train on that without complaint.
 *
 * @param backend The backend to test.
 * @param oracle The backend to trust: wasm.
 * @returns The kernels that are wrong; empty if all are right.
 */
export async function selfTest(
  backend: Backend,
  oracle: Backend,
  options: SelfTestOptions = {},
): Promise<KernelFault[]> {
  const { precision = "f32" } = options;
  const probes = probesOf(options);
  const expected = await runProbes(oracle, probes.map((probe) => ({ ...probe, halves: [] })), precision);
  const actual = await runProbes(backend, probes, precision);
  const faults = probes.flatMap(({ kernel, outputs, constants, halves = [] }, i) =>
    Object.keys(outputs).flatMap((output) => {
      const tolerance = halves.includes(output) ? HALF_TOLERANCE : TOLERANCE;
      const difference = compare(actual[i][output], expected[i][output], tolerance);
      if (difference === undefined) return [];
      const sizes = Object.entries(constants).map(([name, value]) => `${name} ${value}`).join(", ");
      return [{
        kernel: precision === "f16" ? `${kernel.name} in f16` : kernel.name,
        detail: `${output} (${sizes}): ${difference}`,
      }];
    })
  );
  return precision === "f32" && options.probes === undefined ? [...faults, ...await samplingFaults(backend)] : faults;
}

function probesOf({ precision, probes, large }: SelfTestOptions): readonly Probe[] {
  const all = probes ?? [...smallProbes(), ...large ? largeProbes() : []];
  return precision === "f16" ? inHalf(all) : all;
}

/**
 * A hash of what the self-test runs on a device. It changes if the source of any of these kernels changes, or how it is
 * dispatched.
 */
export function selfTestFingerprint(
  backend: Pick<WebGpuBackend, "dispatchesOf">,
  options: SelfTestOptions = {},
): string {
  const programs = [probeProgram(probesOf(options)).program, plan(samplingGraph().graph)];
  const dispatches = programs.flatMap((program) => backend.dispatchesOf(program)).map(
    ({ call, label, source, params, across, down }) => ({ call, label, source, params: [...params], across, down }),
  );
  return sha256(JSON.stringify(dispatches));
}

type Outputs = Record<string, Float32Array>;

/** Runs all probes as one program. */
async function runProbes(backend: Backend, probes: readonly Probe[], precision: Precision): Promise<Outputs[]> {
  const { program, inputs, results, storage } = probeProgram(probes);
  const random = randomFloats(precision);
  using owned = new DisposableStack();
  const compiled = owned.use(await CompiledGraph.load(backend, program));
  owned.defer(() => backend.release(storage));
  for (const [tensor, data] of inputs) compiled.set(tensor, valuesOf(data, random));
  backend.write(wholeOf(storage), random(storage.bytes / BYTES_PER_ELEMENT).map(Math.abs));
  await compiled.run();
  const all = await backend.read(wholeOf(storage)) as Float32Array;
  return results.map((outputs) =>
    Object.fromEntries(outputs.map(([name, { placement, size }]) => {
      const first = placement!.byteOffset / BYTES_PER_ELEMENT;
      return [name, all.subarray(first, first + size)];
    }))
  );
}

/** Makes arrays of random numbers in (−1, 1) in a precision; each continues where the last one stopped. */
function randomFloats(precision: Precision): (count: number) => Float32Array<ArrayBuffer> {
  const philox = new Philox(SEED, 0);
  const round = precision === "f16" ? Math.f16round : Math.fround;
  const numbers = Float32Array.from({ length: RANDOM_NUMBERS }, (_, i) => round(2 * philox.uniform(i) - 1));
  let next = 0;
  return (count) => {
    const array = new Float32Array(count);
    for (let i = 0; i < count; i++, next = (next + 1) % RANDOM_NUMBERS) array[i] = numbers[next];
    return array;
  };
}

function valuesOf(data: ProbeInput, random: (count: number) => Float32Array): ArrayLike<number> {
  if (typeof data === "number") return random(data);
  if ("floats" in data) return data.floats;
  if ("integers" in data) return data.integers;
  return random(data.count).map((value) => Math.floor(Math.abs(value) * data.below));
}

/** What is wrong with an array, if anything. */
function compare(actual: Float32Array, expected: Float32Array, tolerance: number): string | undefined {
  let scale = 0;
  for (const value of expected) scale = Math.max(scale, Math.abs(value));
  let wrong = 0;
  let first = 0;
  for (let i = 0; i < expected.length; i++) {
    // Relative to an infinite number, every other would be close enough.
    if (Number.isFinite(scale) && Math.abs(actual[i] - expected[i]) <= tolerance * scale) continue;
    if (wrong++ === 0) first = i;
  }
  if (wrong === 0) return undefined;
  return `${wrong} of ${expected.length} elements are wrong, element ${first} is ${actual[first]} instead of ` +
    `${expected[first]}`;
}
