import { rope, ropeAngles } from "../../lib/ops/rope.ts";
import { forEachBackend } from "../harness/backends.ts";
import { headsLast, loadFixture } from "../harness/fixtures.ts";
import { assertResults, type OpCase, type OpInput, runOp, upstreamOf } from "../harness/op_case.ts";
import { Random } from "../harness/random.ts";
import { testOp } from "../harness/test_op.ts";
import { dotTolerance } from "../harness/tolerance.ts";

interface Tables {
  readonly headDim: number;
  readonly positions: number;
  readonly start: number;
}

function ropeOf(x: OpInput, { headDim, positions, start }: Tables): OpCase {
  const { cos, sin } = ropeAngles(positions, headDim, 10000);
  const table = (data: Float32Array) => ({ shape: [positions, headDim / 2], data, constant: true });
  return {
    label: `rope (${x.shape}), heads of ${headDim}, from position ${start}`,
    inputs: { x, cos: table(cos), sin: table(sin), start: { shape: [1], data: Uint32Array.of(start) } },
    build: (graph, { x, cos, sin, start }) => rope(graph, x, headDim, { cos, sin, start }),
  };
}

// Two products of a number with a sine or a cosine.
const tolerances = (op: OpCase) => {
  const { data } = op.inputs.x;
  const one = Float32Array.of(1);
  return { y: dotTolerance(2, data, one), d_x: dotTolerance(2, upstreamOf(op, data.length), one) };
};

testOp({
  name: "rope",
  makeCase: ([B, T, H, headDim, start]) => {
    const data = new Random(B + 10 * T + 100 * H + headDim).normal(B * T * H * headDim);
    return ropeOf({ shape: [B, T, H * headDim], data }, { headDim, positions: start + T, start });
  },
  tolerances,
  fixture: () => {
    const { floats, shape } = loadFixture("rope");
    const [B, H, T, headDim] = shape("x");
    const heads = (name: string) => headsLast(floats(name), [B, H, T, headDim]);
    const x = { shape: [B, T, H * headDim], data: heads("x") };
    return {
      op: { ...ropeOf(x, { headDim, positions: T, start: 0 }), dY: heads("dy") },
      expected: { y: heads("y"), d_x: heads("d_x") },
    };
  },
  differentiate: [[1, 1, 1, 2, 3], [2, 3, 2, 4, 0]],
  // The last has more than 65,535 rows.
  compare: [
    [1, 1, 1, 2, 0],
    [1, 1, 1, 2, 5],
    [2, 3, 1, 4, 0],
    [3, 5, 3, 6, 2],
    [2, 7, 2, 8, 1],
    [1, 13, 5, 10, 100],
    [2, 31, 2, 16, 0],
    [1, 65, 3, 32, 1],
    [1, 33, 1, 128, 7],
    // Around what a workgroup turns, one pair an invocation and two.
    [3, 17, 5, 2, 4],
    [1, 257, 1, 2, 0],
    [1, 256, 1, 4, 0],
    [3, 19, 9, 4, 2],
    [1, 257, 1, 4, 1],
    [2, 101, 3, 34, 0],
    [2, 33_001, 1, 2, 0],
  ],
  accumulate: [[2, 7, 3, 6, 3], [1, 65, 2, 16, 0]],
  repeat: [2, 65, 3, 16, 1],
});

forEachBackend(
  "rope turns the pair (1, 0) at position p to (cos p, sin p) in its first dimensions",
  async (backend) => {
    const T = 9;
    const data = Float32Array.from({ length: T * 2 }, (_, i) => i % 2 === 0 ? 1 : 0);
    const op = ropeOf({ shape: [1, T, 2], data }, { headDim: 2, positions: T + 4, start: 4 });
    const { y, d_x } = await runOp(backend, op);
    const angles = Array.from({ length: T }, (_, t) => 4 + t);
    const expected = { y: Float64Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)])), d_x };
    assertResults({ y, d_x }, expected, tolerances(op), op.label);
  },
);
