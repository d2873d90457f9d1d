import { assert, assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { reference } from "../harness/backends.ts";
import { type OpCase, runOp, type Tolerances, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance, roundings } from "../harness/tolerance.ts";

type Sizes = readonly [from: readonly number[], to: readonly number[]];

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** How many elements there are of the result, by the case. */
const results = new WeakMap<OpCase, number>();

function makeCase([from, to]: Sizes): OpCase {
  const op: OpCase = {
    label: `broadcast (${from}) to (${to})`,
    inputs: { x: { shape: from, data: new Random(sizeOf(to)).normal(sizeOf(from)) } },
    build: (graph, { x }) => broadcast(graph, x, to),
  };
  results.set(op, sizeOf(to));
  return op;
}

/** What is repeated is not rounded; its gradient is a sum of as many terms, run by run, each of which rounds it. */
function tolerances(op: OpCase): Tolerances {
  const size = results.get(op)!;
  const terms = size / op.inputs.x.data.length;
  return { y: roundings(0), d_x: dotTolerance(terms + 2, upstreamOf(op, size), [1]) };
}

testOp<Sizes>({
  name: "broadcast",
  makeCase,
  tolerances,
  differentiate: [[[1], [1, 1]], [[3], [2, 3]], [[2, 1], [2, 5]], [[2, 1, 3, 1], [4, 2, 3, 3, 2]]],
  compare: [
    [[1], [1, 1]],
    [[1], [7]],
    [[5], [1, 5]],
    [[5], [3, 5]],
    [[1, 4], [65, 4]],
    [[1, 1, 17], [9, 7, 17]],
    [[13, 1], [13, 31]],
    [[31, 1, 1], [31, 3, 4]],
    [[7, 1, 33], [7, 5, 33]],
    [[2, 1, 3, 1], [5, 2, 4, 3, 6]],
    [[1, 3, 1, 1, 5], [2, 3, 1, 4, 5]],
    [[1], [3, 2053]],
    [[259, 1], [259, 257]],
    [[1, 257], [1031, 257]],
  ],
  accumulate: [[[1], [3, 2053]], [[5], [3, 5]], [[5, 1], [5, 7]], [[2, 1, 3, 1], [2, 5, 3, 7]]],
  repeat: [[67, 1, 33], [67, 65, 33]],
});

Deno.test("broadcast puts each element where NumPy's rules do", async () => {
  const to = [4, 2, 3, 3, 2];
  const from = [2, 1, 3, 1];
  const { y } = await runOp(await reference(), makeCase([from, to]));
  const x = makeCase([from, to]).inputs.x.data;
  const expected = Float64Array.from(y, (_, at) => {
    // The element's place in each dimension, from the last on; x's is the same, or 0 where it has size 1.
    let [rest, place, step] = [at, 0, 1];
    for (let d = to.length - 1; d >= 0; d--) {
      const size = from[d - 1] ?? 1;
      if (size !== 1) place += rest % to[d] * step;
      step *= size;
      rest = Math.floor(rest / to[d]);
    }
    return x[place];
  });
  assertEquals(Float64Array.from(y), expected);
});

Deno.test("broadcast leaves a tensor of that shape alone", () => {
  const [graph, x] = [new Graph(), new Tensor("x", [2, 3])];
  assert(broadcast(graph, x, [2, 3]) === x);
  assertEquals(graph.calls.length, 0);
});

Deno.test("broadcast refuses sizes that cannot be repeated", () => {
  for (const shape of [[2], [3, 2], [2, 4], [2, 3, 1], [5, 2, 1], []]) {
    const message = "must have the same sizes from the last dimension on, or 1";
    assertThrows(() => broadcast(new Graph(), new Tensor("x", [2, 3]), shape), RangeError, message, String(shape));
  }
});
