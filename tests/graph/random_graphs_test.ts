// Whole graphs of random ops, differentiated by the tape and numerically: what no test of a single op can see.
import fc from "fast-check";
import { backward } from "../../lib/graph/backward.ts";
import type { Graph } from "../../lib/graph/graph.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { concatenate } from "../../lib/ops/concatenate.ts";
import { linear } from "../../lib/ops/linear.ts";
import { mul } from "../../lib/ops/mul.ts";
import { transpose } from "../../lib/ops/permute.ts";
import { reshape } from "../../lib/ops/reshape.ts";
import { rmsnorm } from "../../lib/ops/rmsnorm.ts";
import { scale } from "../../lib/ops/scale.ts";
import { silu } from "../../lib/ops/silu.ts";
import { slice } from "../../lib/ops/slice.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { sub } from "../../lib/ops/sub.ts";
import { swiglu } from "../../lib/ops/swiglu.ts";
import { assertGradient, differentiate } from "../harness/gradient_check.ts";
import { GARBAGE, GraphRun, type Trace } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";
import { ReferenceBackend } from "../reference/backend.ts";

const ROWS = 3;
const D = 4;

/** Makes a (ROWS, D) tensor from two others, a weight (D, D) and a gain (D). */
type RandomOp = (graph: Graph, a: Tensor, b: Tensor, weight: Tensor, gain: Tensor) => Tensor;

const OPS: Record<string, RandomOp> = {
  add: (graph, a, b) => add(graph, a, b),
  // Of a share, because what cancels leaves only rounding to compare.
  sub: (graph, a, b) => sub(graph, scale(graph, a, 0.37), b),
  // By shares of 1, because powers of powers overflow.
  mul: (graph, a, b) => mul(graph, softmax(graph, a), b),
  silu: (graph, a) => silu(graph, a),
  softmax: (graph, a) => softmax(graph, a),
  swiglu: (graph, a, b) => a === b ? silu(graph, a) : swiglu(graph, a, b),
  linear: (graph, a, _, weight) => linear(graph, a, weight),
  // Three parts of two tensors, or of one, with a share of each left over.
  parts: (graph, a, b) =>
    concatenate(graph, [slice(graph, a, 1, 2), slice(graph, b, 1, 1, 2), slice(graph, a, 1, 2, 3)], 1),
  repeated: (graph, a) => broadcast(graph, slice(graph, a, 0, 1, 2), [ROWS, D]),
  flat: (graph, a) => reshape(graph, reshape(graph, a, [-1]), [ROWS, D]),
  turned: (graph, a) => reshape(graph, transpose(graph, a, 0, 1), [ROWS, D]),
  rmsnorm: (graph, a, _, _weight, gain) => rmsnorm(graph, a, gain, 0.1),
};

const step = fc.record({ op: fc.constantFrom(...Object.keys(OPS)), a: fc.nat(100), b: fc.nat(100) });
const cases = fc.record({
  // Residual sums are where gradients are shared: let there be many.
  steps: fc.array(fc.oneof(step, fc.record({ op: fc.constant("add"), a: fc.nat(100), b: fc.nat(100) })), {
    minLength: 1,
    maxLength: 12,
  }),
  /** Leaves whose gradients have a fixed place; the planner places the others. */
  fixed: fc.subarray(["x", "z", "weight", "gain"]),
  /** Leaves that want no gradient. */
  constant: fc.subarray(["z", "weight", "gain"]),
  seed: fc.nat(1e6),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function trace(
  { steps, fixed, constant, seed }: Case,
): { build: (trace: Trace) => Record<string, Tensor>; data: Record<string, Float32Array>; dY: Float32Array } {
  const random = new Random(seed);
  const shapes: Record<string, number[]> = { x: [ROWS, D], z: [ROWS, D], weight: [D, D], gain: [D] };
  const data = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, random.normal(shape.reduce((a, b) => a * b), 0.7)]),
  );
  const dY = random.normal(ROWS * D);
  const build = (trace: Trace) => {
    const leaves = Object.fromEntries(
      Object.entries(shapes).map((
        [name, shape],
      ) => [name, trace.input(name, shape, data[name], !constant.includes(name))]),
    );
    const nodes = [leaves.x, leaves.z];
    for (const { op, a, b } of steps) {
      nodes.push(OPS[op](trace.graph, nodes[a % nodes.length], nodes[b % nodes.length], leaves.weight, leaves.gain));
    }
    // The last sum ties the graph to x, which always wants a gradient.
    const y = add(trace.graph, nodes.at(-1)!, leaves.x);
    const gradientOf = new Map(
      fixed.map((name) => [leaves[name], trace.state(`d_${name}`, shapes[name], new Float32Array(data[name].length))]),
    );
    const found = backward(trace.graph, y, trace.input("dY", y.shape, dY), { gradientOf });
    const outputs: Record<string, Tensor> = { y };
    for (const [name, leaf] of Object.entries(leaves)) {
      const gradient = found.of(leaf);
      if (leaf.requiresGrad && gradient) outputs[`d_${name}`] = gradient;
    }
    return outputs;
  };
  return { build, data, dY };
}

Deno.test("backward: the gradients of random graphs are their derivatives", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (parameters) => {
      const { build, data, dY } = trace(parameters);
      const run = await GraphRun.load(new ReferenceBackend(), build);
      const { y: _, ...gradients } = await run.run(GARBAGE[1]);
      for (const name of Object.keys(data).filter((name) => !parameters.constant.includes(name))) {
        const f = async (x: Float64Array) => {
          const { y } = await run.run(GARBAGE[0], { [name]: x });
          return Array.from(y).reduce((sum, value, i) => sum + value * dY[i], 0);
        };
        const derivatives = await differentiate(f, Float64Array.from(data[name]), parameters.seed);
        // A leaf that the output does not depend on has no gradient tensor: its derivatives must be zero.
        const gradient = gradients[`d_${name}`] ?? new Float64Array(data[name].length);
        // Twelve ops on end have large fifth derivatives; a gradient lost or counted twice is off by far more.
        assertGradient(gradient, derivatives, name, 1e-5);
      }
    }),
    { seed: 7, numRuns: 150 },
  );
});
