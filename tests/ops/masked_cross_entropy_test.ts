// Cross-entropy in which rows count for different amounts, or not at all: the loss of fine-tuning on answers.
import { assertEquals } from "@std/assert";
import { add } from "../../lib/ops/add.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice } from "../harness/backends.ts";
import { loadFixture } from "../harness/fixtures.ts";
import { assertOpDifferentiates } from "../harness/gradient_check.ts";
import type { Arrays } from "../harness/graph_run.ts";
import {
  assertOpAccumulates,
  assertOpIsDeterministic,
  assertOpMatchesReference,
  type OpCase,
  type OpInput,
  runOp,
  upstreamOf,
} from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { largest } from "../harness/tolerance.ts";

function maskedOf(logits: OpInput, targets: OpInput, weights: Float32Array): OpCase {
  return {
    label: `crossEntropy (${logits.shape}), weighted`,
    inputs: { logits, targets, weights: { shape: targets.shape, data: weights, constant: true } },
    build: (graph, { logits, targets, weights }) => crossEntropy(graph, logits, targets, { weights }),
    // With one class, the loss is 0 whatever the logit is; and nothing is left where no row counts.
    cancels: logits.shape.at(-1) === 1 || weights.every((weight) => weight === 0),
  };
}

/** About half of the rows count, the first of them always. */
function weightsOf(rows: number, random: Random): Float32Array {
  const counts = Array.from(random.integers(rows, 2), (bit, r) => r === 0 || bit === 1);
  const counted = counts.filter((counts) => counts).length;
  return Float32Array.from(counts, (counts) => counts ? rows / counted : 0);
}

function randomCase([rows, V]: readonly number[]): OpCase {
  const random = new Random(rows + 1000 * V);
  const logits = { shape: [rows, V], data: random.normal(rows * V) };
  const targets = { shape: [rows], data: random.integers(rows, V) };
  return maskedOf(logits, targets, weightsOf(rows, random));
}

/** Those of cross_entropy_test.ts times the largest weight, with one more rounding each for the product. */
function tolerances(op: OpCase) {
  const { logits, targets, weights } = op.inputs;
  const rows = targets.data.length;
  const V = logits.shape.at(-1)!;
  const max = largest(logits.data);
  const lse = 18 + Math.sqrt(V) + 3 * max;
  const weight = Math.max(1, largest(weights.data));
  const dLoss = largest(upstreamOf(op, 1));
  return {
    y: { absolute: weight * (lse + 2 * Math.sqrt(rows) * max + 1) * UNIT_ROUNDOFF },
    d_logits: { absolute: weight * dLoss / rows * (lse + 11) * UNIT_ROUNDOFF },
  };
}

testOp({
  name: "weighted crossEntropy",
  makeCase: randomCase,
  tolerances,
  fixture: () => {
    const { floats, integers, shape } = loadFixture("masked_cross_entropy");
    const counted = floats("counted");
    const count = counted.reduce((sum, one) => sum + one, 0);
    const targets = { shape: shape("targets"), data: integers("targets") };
    const op = maskedOf(
      { shape: shape("logits"), data: floats("logits") },
      targets,
      counted.map((one) => one * counted.length / count),
    );
    return {
      op: { ...op, dY: Float32Array.of(1) },
      expected: { y: floats("loss"), d_logits: floats("d_logits") },
    };
  },
  differentiate: [[1, 1], [3, 5], [7, 2]],
  compare: [[1, 1], [3, 1], [2, 3], [7, 4], [13, 7], [8, 8], [31, 9], [65, 65], [129, 127], [3, 1031], [2, 1028], [
    65_539,
    3,
  ]],
  accumulate: [[5, 7], [65, 33], [65, 36]],
  repeat: [31, 1028],
});

/** The loss of logits that an op made, so that the gradient takes their place. */
function inPlaceOf(sizes: readonly number[]): OpCase {
  const op = randomCase(sizes);
  const zeros = { shape: [...sizes], data: new Float32Array(sizes[0] * sizes[1]), constant: true };
  return {
    ...op,
    label: `${op.label}, in place`,
    inputs: { ...op.inputs, zeros },
    build: (graph, { logits, targets, weights, zeros }) =>
      crossEntropy(graph, add(graph, logits, zeros), targets, { overwriteLogits: true, weights }),
  };
}

Deno.test("weighted crossEntropy in place: the backward rule is the derivative of the forward pass", async () => {
  for (const sizes of [[1, 1], [3, 5], [7, 2]]) await assertOpDifferentiates(inPlaceOf(sizes));
});

forEachDevice("weighted crossEntropy in place equals the reference", async (backend) => {
  for (const sizes of [[1, 1], [7, 4], [13, 7], [63, 31], [65, 65], [3, 1031], [65_539, 3]]) {
    const op = inPlaceOf(sizes);
    await assertOpMatchesReference(backend, op, tolerances(op));
  }
  await assertOpAccumulates(backend, inPlaceOf([65, 33]), tolerances(inPlaceOf([65, 33])));
  await assertOpIsDeterministic(backend, inPlaceOf([131, 67]));
});

forEachDevice("crossEntropy with weights of 1 gives the bits of crossEntropy without them", async (backend) => {
  const [rows, V] = [67, 131];
  const random = new Random(5);
  const logits = { shape: [rows, V], data: random.normal(rows * V) };
  const targets = { shape: [rows], data: random.integers(rows, V) };
  const weighted = maskedOf(logits, targets, new Float32Array(rows).fill(1));
  const plain: OpCase = {
    label: "plain",
    inputs: { logits, targets },
    build: (graph, { logits, targets }) => crossEntropy(graph, logits, targets),
  };
  assertEquals(await runOp(backend, weighted), await runOp(backend, plain));
});

forEachDevice("rows that do not count have no gradient, and their targets do not matter", async (backend) => {
  const op = randomCase([67, 131]);
  const { weights, targets } = op.inputs;
  const others = Uint32Array.from(targets.data, (id, r) => weights.data[r] === 0 ? (id + 1) % 131 : id);
  // A zero has the sign of what it was made of.
  const unsigned = ({ y, d_logits }: Arrays) => ({ y, d_logits: d_logits.map((value) => value + 0) });
  const found = unsigned(await runOp(backend, op));
  const changed = { ...op, inputs: { ...op.inputs, targets: { ...targets, data: others } } };
  assertEquals(unsigned(await runOp(backend, changed)), found);
  const isZero = (r: number) => found.d_logits.subarray(r * 131, (r + 1) * 131).every((value) => value === 0);
  assertEquals(Array.from({ length: 67 }, (_, r) => isZero(r)), Array.from(weights.data, (weight) => weight === 0));
});
