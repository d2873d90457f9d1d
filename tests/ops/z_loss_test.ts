import { assert, assertEquals, AssertionError, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { add } from "../../lib/ops/add.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { UNIT_ROUNDOFF } from "../harness/assert_close.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { assertGradient, differentiate } from "../harness/gradient_check.ts";
import {
  assertOpAccumulates,
  assertOpIsDeterministic,
  assertOpMatchesReference,
  type OpCase,
  runOp,
  upstreamOf,
} from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { largest } from "../harness/tolerance.ts";

/** Far above the usual 1e-4, so that a gradient without it is no rounding error. */
const Z = 0.03;

interface Variant {
  readonly inPlace: boolean;
  readonly zLoss?: number;
}

function caseOf([rows, V]: readonly number[], { inPlace, zLoss = Z }: Variant): OpCase {
  const random = new Random(rows + 1000 * V);
  const shape = [rows, V];
  return {
    label: `z-loss (${shape})${inPlace ? " in place" : ""}`,
    inputs: {
      logits: { shape, data: random.normal(rows * V).map((value) => 2 * value) },
      targets: { shape: [rows], data: random.integers(rows, V) },
      zeros: { shape, data: new Float32Array(rows * V), constant: true },
    },
    build: (graph, { logits, targets, zeros }) =>
      crossEntropy(graph, inPlace ? add(graph, logits, zeros) : logits, targets, { overwriteLogits: inPlace, zLoss }),
    // With one class, the loss is 0 whatever the logit is.
    cancels: V === 1,
  };
}

const VARIANTS: readonly Variant[] = [{ inPlace: false }, { inPlace: true }];

/**
 * As in cross_entropy_test.ts, where lse is off by `lse` roundings, and a probability by so many and 6. The factor
 * 1 + 2 z lse is a few roundings of its own size off, and 2 z times the error of lse.
 */
function tolerances(op: OpCase) {
  const { logits, targets } = op.inputs;
  const rows = targets.data.length;
  const V = logits.shape.at(-1)!;
  const max = largest(logits.data);
  const lse = 18 + Math.sqrt(V) + 3 * max;
  const factor = 1 + 2 * Z * (max + Math.log(V));
  const dLoss = largest(upstreamOf(op, 1));
  return {
    y: { absolute: (lse + 2 * Math.sqrt(rows) * max) * UNIT_ROUNDOFF },
    d_logits: { absolute: dLoss / rows * ((lse + 14) * factor + 2 * Z * lse) * UNIT_ROUNDOFF },
  };
}

/** mean(−log softmax(logits)[target] + z log²Z), from the formula. */
function lossWithZ(logits: Float64Array, targets: ArrayLike<number>, z: number): number {
  const rows = targets.length;
  const V = logits.length / rows;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    const row = logits.subarray(r * V, (r + 1) * V);
    const logZ = Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
    sum += logZ - row[targets[r]] + z * logZ * logZ;
  }
  return sum / rows;
}

Deno.test("z-loss: the gradient is the derivative of the loss and z times the mean of log²Z", async () => {
  for (const variant of VARIANTS) {
    for (const sizes of [[1, 1], [3, 5], [7, 2]]) {
      const op = caseOf(sizes, variant);
      const { d_logits } = await runOp(await reference(), op);
      const { logits, targets } = op.inputs;
      const dLoss = upstreamOf(op, 1)[0];
      const f = (x: Float64Array) => Promise.resolve(dLoss * lossWithZ(x, targets.data, Z));
      const derivatives = await differentiate(f, Float64Array.from(logits.data), 1);
      assertGradient(d_logits, derivatives, op.label);
      const planted = d_logits.map((value) => value * 1.0005);
      assertThrows(() => assertGradient(planted, derivatives, op.label), AssertionError, "central differences");
    }
  }
});

forEachDevice("z-loss equals the reference at sizes 1, primes, and around tiles", async (backend) => {
  const all = [[1, 1], [1, 2], [7, 4], [13, 7], [8, 8], [31, 9], [63, 31], [65, 65], [129, 127], [2, 257], [3, 1031]];
  for (const variant of VARIANTS) {
    for (const sizes of [...all, [2, 4100], [65_539, 3]]) {
      const op = caseOf(sizes, variant);
      await assertOpMatchesReference(backend, op, tolerances(op));
    }
    for (const sizes of [[5, 7], [65, 33], [65, 36]]) {
      const op = caseOf(sizes, variant);
      await assertOpAccumulates(backend, op, tolerances(op));
    }
    await assertOpIsDeterministic(backend, caseOf([131, 67], variant));
  }
});

forEachDevice("z-loss leaves the loss as it is, and a z of 0 the gradient too, bit for bit", async (backend) => {
  for (const { inPlace } of VARIANTS) {
    const op = caseOf([37, 301], { inPlace });
    const { build, inputs } = caseOf([37, 301], { inPlace, zLoss: 0 });
    const plain = await runOp(backend, {
      ...op,
      build: (graph, { logits, targets, zeros }) =>
        crossEntropy(graph, inPlace ? add(graph, logits, zeros) : logits, targets, { overwriteLogits: inPlace }),
    });
    assertEquals(await runOp(backend, { ...op, build, inputs }), plain);
    const { y, d_logits } = await runOp(backend, op);
    assertEquals(y, plain.y);
    assert(d_logits.every((value, i) => value !== plain.d_logits[i]));
  }
});

Deno.test("z-loss is refused where it is negative or not finite", () => {
  for (const zLoss of [-1e-9, -Infinity, Infinity, NaN]) {
    const graph = new Graph();
    const [logits, targets] = [graph.input("x", [2, 3]), graph.input("t", [2], { dtype: "u32" })];
    assertThrows(
      () => crossEntropy(graph, logits, targets, { zLoss }),
      OptionError,
      `Cannot add a z-loss: got zLoss: "${zLoss}", must be 0 or more, and finite`,
    );
  }
});
