import { assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { crossEntropy, meanForward } from "../../lib/ops/cross_entropy.ts";
import { add } from "../../lib/ops/add.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { assertClose, UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice, forHardwareKernels } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { runGraph } from "../harness/graph_run.ts";
import { assertOpDifferentiates } from "../harness/gradient_check.ts";
import {
  assertOpAccumulates,
  assertOpIsDeterministic,
  assertOpMatchesReference,
  type OpCase,
  type OpInput,
  upstreamOf,
} from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest, roundings } from "../harness/tolerance.ts";

function crossEntropyOf(logits: OpInput, targets: OpInput): OpCase {
  return {
    label: `crossEntropy (${logits.shape})`,
    inputs: { logits, targets },
    build: (graph, { logits, targets }) => crossEntropy(graph, logits, targets),
    // With one class, the loss is 0 whatever the logit is.
    cancels: logits.shape.at(-1) === 1,
  };
}

/**
 * lse = max + log Σ exp(logit − max): the sum is relatively off by 10 + √V roundings (as in softmax_test.ts), so its
 * logarithm absolutely, to which WGSL's log adds 2⁻²¹, 8 roundings, and the two sums roundings of the largest logit. The
 * mean adds a random walk over the rows. A probability is exp(logit − lse): relatively off by the error of lse, and by 6
 * for exp; dLogits is that, less 1 at the target, times dLoss / rows.
 */
function tolerances(op: OpCase) {
  const { logits, targets } = op.inputs;
  const rows = targets.data.length;
  const V = logits.shape.at(-1)!;
  const max = largest(logits.data);
  const lse = 18 + Math.sqrt(V) + 3 * max;
  const dLoss = largest(upstreamOf(op, 1));
  return {
    y: { absolute: (lse + 2 * Math.sqrt(rows) * max) * UNIT_ROUNDOFF },
    d_logits: { absolute: dLoss / rows * (lse + 10) * UNIT_ROUNDOFF },
  };
}

testOp({
  name: "crossEntropy",
  // Logits near each other, so that each element has a say in its row's sum.
  makeCase: ([rows, V]) => {
    const random = new Random(rows + 1000 * V);
    return crossEntropyOf(
      { shape: [rows, V], data: random.normal(rows * V) },
      { shape: [rows], data: random.integers(rows, V) },
    );
  },
  tolerances,
  fixture: () => {
    const { floats, integers, shape } = loadFixture("cross_entropy");
    const targets = { shape: shape("targets"), data: integers("targets") };
    return {
      op: {
        ...crossEntropyOf({ shape: shape("logits"), data: floats("logits") }, targets),
        dY: Float32Array.of(1),
      },
      expected: { y: floats("loss"), d_logits: floats("d_logits") },
    };
  },
  differentiate: [[1, 1], [3, 5], [7, 2]],
  // The last needs more than 65,535 workgroups of a row each.
  compare: [
    [1, 1],
    [3, 1],
    [1, 2],
    [2, 3],
    [7, 4],
    [5, 5],
    [13, 7],
    [8, 8],
    [31, 9],
    [63, 31],
    [64, 63],
    [65, 65],
    [129, 127],
    [2, 257],
    [3, 1031],
    [2, 1024],
    [2, 1028],
    // Around the largest workgroup's groups of four elements, of 1 and of 4 logits, and what is read after the first.
    [1, 4093],
    [1, 4096],
    [1, 4100],
    [1, 16_384],
    [3, 20_004],
    [2, 20_011],
    [65_539, 3],
  ],
  accumulate: [[5, 7], [65, 33], [65, 36]],
  repeat: [31, 1028],
});

forEachDevice("crossEntropy takes logits that no exponential could", async (backend) => {
  const rows = [[1000, 998, -1000, 999], [-1000, -1001, -1002, -5000], [3e4, -3e4, 0, 1]];
  const op = crossEntropyOf(
    { shape: [3, 4], data: Float32Array.from(rows.flat()) },
    { shape: [3], data: Uint32Array.of(0, 2, 1) },
  );
  // The largest in each place of four, and of a longer row whose elements several invocations read in groups.
  for (const [V, places] of [[4, [0, 1, 2, 3]], [4100, [1, 258, 515, 768, 2050, 3079, 4099]]] as const) {
    const data = new Random(V).normal(places.length * V);
    places.forEach((place, row) => data[row * V + place] = 3e4);
    const targets = { shape: [places.length], data: Uint32Array.from(places) };
    const large = crossEntropyOf({ shape: [places.length, V], data }, targets);
    await assertOpMatchesReference(backend, { ...large, cancels: true }, tolerances(large));
  }
  // Logits of 1000 or more leave lse an error far above that of the others: too much to see 0.05 % of a probability.
  await assertOpMatchesReference(backend, { ...op, cancels: true }, tolerances(op));
});

/** The loss of logits that an op made, so that the gradient may take their place. */
function inPlaceOf([rows, V]: readonly number[]): OpCase {
  const random = new Random(rows + 1000 * V);
  const op = crossEntropyOf(
    { shape: [rows, V], data: random.normal(rows * V) },
    { shape: [rows], data: random.integers(rows, V) },
  );
  const zeros = { shape: [rows, V], data: new Float32Array(rows * V), constant: true };
  return {
    ...op,
    label: `${op.label} in place`,
    inputs: { ...op.inputs, zeros },
    build: (graph, { logits, targets, zeros }) =>
      crossEntropy(graph, add(graph, logits, zeros), targets, { overwriteLogits: true }),
  };
}

Deno.test("crossEntropy in place: the backward rule is the derivative of the forward pass", async () => {
  for (const sizes of [[1, 1], [3, 5], [7, 2]]) await assertOpDifferentiates(inPlaceOf(sizes));
});

forEachDevice("crossEntropy in place equals the reference at sizes 1, primes, and around tiles", async (backend) => {
  for (
    const sizes of [[1, 1], [1, 2], [7, 4], [13, 7], [63, 31], [65, 65], [129, 127], [64, 128], [3, 1031], [65_539, 3]]
  ) {
    const op = inPlaceOf(sizes);
    await assertOpMatchesReference(backend, op, tolerances(op));
  }
  for (const sizes of [[65, 33], [65, 36]]) {
    const op = inPlaceOf(sizes);
    await assertOpAccumulates(backend, op, tolerances(op));
  }
  await assertOpIsDeterministic(backend, inPlaceOf([131, 67]));
});

Deno.test("crossEntropy does not overwrite logits that another op takes", () => {
  const graph = new Graph();
  const logits = add(graph, graph.input("x", [2, 3], { requiresGrad: true }), graph.input("z", [2, 3]));
  const loss = crossEntropy(graph, logits, graph.input("t", [2], { dtype: "u32" }), { overwriteLogits: true });
  softmax(graph, logits);
  assertThrows(
    () => backward(graph, loss, graph.input("dLoss", [1])),
    Error,
    "got crossEntropy and softmax that take it, must be one op",
  );
});

const equalsMean = async (backend: Backend) => {
  for (
    const n of [1, 2, 3, 5, 8, 63, 64, 65, 127, 129, 255, 257, 1024, 1028, 4096, 4099, 4100, 16_388, 32_768, 100_003]
  ) {
    const x = new Random(n).normal(n).map((value) => 1 + value * value);
    const { y } = await runGraph(backend, (trace) => {
      const y = new Tensor("y", [1]);
      trace.graph.call(meanForward, { inputs: { x: trace.input("x", [n], x) }, outputs: { y }, constants: { n } });
      return { y };
    });
    const mean = x.reduce((sum, value) => sum + value, 0) / n;
    // A sum of n positive terms: a random walk of roundings relative to it.
    assertClose(y, [mean], roundings(4 + Math.sqrt(n)), `mean of ${n}`);
  }
};
forEachDevice("mean_forward equals the mean at sizes 1, primes, and around tiles", equalsMean);
forHardwareKernels("mean_forward equals the mean at sizes 1, primes, and around tiles", equalsMean);
