import { assert, assertEquals, AssertionError } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { backward } from "../../lib/graph/backward.ts";
import type { Graph } from "../../lib/graph/graph.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { assertClose, type Tolerance, UNIT_ROUNDOFF } from "./assert_close.ts";
import { reference } from "./backends.ts";
import { type Arrays, GARBAGE, GraphRun, type HostData, type Trace } from "./graph_run.ts";
import { Random } from "./random.ts";
import { largest } from "./tolerance.ts";

/** One of an op's inputs. */
export interface OpInput {
  readonly shape: readonly number[];
  readonly data: HostData;
  /** Floats want a gradient unless this says that they are constants. */
  readonly constant?: boolean;
}

/** An op on given inputs, with a random upstream gradient. */
export interface OpCase {
  /** What is tried, with the sizes, for failures. */
  readonly label: string;
  readonly inputs: Readonly<Record<string, OpInput>>;
  readonly build: (graph: Graph, inputs: Readonly<Record<string, Tensor>>) => Tensor;
  /** The exact results cancel, so that rounding hides an error of 0.05 %: a row of one element, say. */
  readonly cancels?: boolean;
  /** The gradient that flows into the output; drawn at random by default. */
  readonly dY?: HostData;
}

/** How far each result may be off: `y` the output, `d_NAME` the gradient of input NAME. */
export type Tolerances = Readonly<Record<string, Tolerance>>;

const UPSTREAM_SEED = 90210;

/**
 * Traces the op forward and backward. The results are `y`, and `d_NAME` for each input that wants a gradient.
 * @param before If given, what some of the gradients hold already: these are then added to, the others overwritten.
 */
export function traceOp(
  op: OpCase,
  before?: Readonly<Record<string, HostData>>,
): (trace: Trace) => Record<string, Tensor> {
  return (trace) => {
    const inputs: Record<string, Tensor> = {};
    for (const [name, { shape, data, constant }] of Object.entries(op.inputs)) {
      inputs[name] = trace.input(name, shape, data, !(constant || data instanceof Uint32Array));
    }
    const y = op.build(trace.graph, inputs);
    const gradientOf = new Map<Tensor, Tensor>();
    for (const [name, tensor] of Object.entries(inputs).filter(([, tensor]) => tensor.requiresGrad)) {
      const data = before ? before[`d_${name}`] : new Float32Array(tensor.size).fill(NaN);
      if (data) gradientOf.set(tensor, trace.state(`d_${name}`, tensor.shape, data));
    }
    const dY = trace.input("dY", y.shape, upstreamOf(op, y.size));
    const gradients = backward(trace.graph, y, dY, { gradientOf, accumulate: before !== undefined });
    const outputs: Record<string, Tensor> = { y };
    for (const [name, tensor] of Object.entries(inputs).filter(([, tensor]) => tensor.requiresGrad)) {
      const gradient = gradients.of(tensor);
      if (gradient) outputs[`d_${name}`] = gradient;
    }
    return outputs;
  };
}

/** The gradient that flows into an op's output of so many elements. */
export function upstreamOf(op: OpCase, size: number): HostData {
  return op.dY ?? new Random(UPSTREAM_SEED).normal(size);
}

/** Runs an op forward and backward. */
export async function runOp(
  backend: Backend,
  op: OpCase,
  before?: Readonly<Record<string, HostData>>,
): Promise<Arrays> {
  const run = await GraphRun.load(backend, traceOp(op, before));
  try {
    return await run.run();
  } finally {
    run.release();
  }
}

/** Asserts that a backend's results for an op are the reference's. */
export async function assertOpMatchesReference(backend: Backend, op: OpCase, tolerances: Tolerances): Promise<void> {
  const expected = await runOp(await reference(), op);
  assertResults(await runOp(backend, op), expected, tolerances, op.label, op.cancels);
}

/**
 * The same with gradients that are added to what is there: all of them, then each alone while the others are overwritten.
 * What was there is taken off again, so that the gradient's own tolerance holds, and that of the sum's one rounding.
 */
export async function assertOpAccumulates(backend: Backend, op: OpCase, tolerances: Tolerances): Promise<void> {
  const expected = await runOp(await reference(), op);
  const gradients = Object.keys(expected).filter((name) => name !== "y");
  const alone = gradients.length > 1 ? gradients.map((name) => [name]) : [];
  for (const added of [gradients, ...alone]) {
    const random = new Random(4711);
    const before = Object.fromEntries(added.map((name) => [name, random.normal(expected[name].length)]));
    const actual = await runOp(backend, op, before);
    const loosened: Record<string, Tolerance> = { ...tolerances };
    for (const name of added) {
      actual[name] = Float64Array.from(actual[name], (sum, i) => sum - before[name][i]);
      const { absolute = 0, relative = 0 } = tolerances[name];
      const sum = UNIT_ROUNDOFF * (largest(before[name]) + largest(expected[name]));
      loosened[name] = { absolute: absolute + sum, relative };
    }
    assertResults(actual, expected, loosened, `${op.label}, adding to ${added.join(" and ")}`, op.cancels);
  }
}

/** Asserts that two runs, over different garbage, give the same bits. */
export async function assertOpIsDeterministic(backend: Backend, op: OpCase): Promise<void> {
  const run = await GraphRun.load(backend, traceOp(op));
  try {
    const [first, second] = [await run.run(GARBAGE[0]), await run.run(GARBAGE[1])];
    for (const [name, values] of Object.entries(first)) {
      assert(values.some((value) => value !== 0), `${op.label}: ${name} is all zeros, which proves nothing`);
      assertEquals(bytesOf(second[name]), bytesOf(values), `${op.label}: ${name} differs from run to run`);
    }
  } finally {
    run.release();
  }
}

/**
 * Asserts that each result is within its tolerance.
 * @param cancels If not, a tolerance that would let an error of 0.05 % in a result's largest element pass fails too.
 */
export function assertResults(
  actual: Arrays,
  expected: Arrays,
  tolerances: Tolerances,
  label: string,
  cancels = false,
): void {
  assertEquals(Object.keys(actual).sort(), Object.keys(expected).sort(), label);
  for (const [name, values] of Object.entries(expected)) {
    const tolerance = tolerances[name];
    if (tolerance === undefined) throw new AssertionError(`${label}: ${name} has no tolerance`);
    assertClose(actual[name], values, tolerance, `${label}: ${name}`);
    if (!cancels) requireSharp(values, tolerance, `${label}: ${name}`);
  }
}

function requireSharp(expected: ArrayLike<number>, { absolute = 0, relative = 0 }: Tolerance, label: string): void {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  const allowed = absolute + relative * largest;
  if (largest > 0 && !(allowed < 5e-4 * largest)) {
    throw new AssertionError(`${label}: tolerance ${allowed} would hide an error of 0.05 % in ${largest}`);
  }
}

function bytesOf(array: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
