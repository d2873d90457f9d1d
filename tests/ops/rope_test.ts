import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { type DType, Tensor } from "../../lib/graph/tensor.ts";
import { rope, ropeAngles } from "../../lib/ops/rope.ts";
import { forEachBackend, forEachDevice } from "../harness/backends.ts";
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

function tablesOf(positions: number, headDim: number): { readonly cos: OpInput; readonly sin: OpInput } {
  const { cos, sin } = ropeAngles(positions, headDim, 10000);
  const table = (data: Float32Array) => ({ shape: [positions, headDim / 2], data, constant: true });
  return { cos: table(cos), sin: table(sin) };
}

function ropeOf(x: OpInput, { headDim, positions, start }: Tables): OpCase {
  return {
    label: `rope (${x.shape}), heads of ${headDim}, from position ${start}`,
    inputs: { x, ...tablesOf(positions, headDim), start: { shape: [1], data: Uint32Array.of(start) } },
    build: (graph, { x, cos, sin, start }) => rope(graph, x, headDim, { cos, sin, start }),
  };
}

/** A position for each row, of so many that the tables have. */
function ropeAt(x: OpInput, headDim: number, count: number, positions: Uint32Array): OpCase {
  return {
    label: `rope (${x.shape}), heads of ${headDim}, each row at one of ${count} positions`,
    inputs: { x, ...tablesOf(count, headDim), positions: { shape: x.shape.slice(0, 2), data: positions } },
    build: (graph, { x, cos, sin, positions }) => rope(graph, x, headDim, { cos, sin, positions }),
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

testOp({
  name: "rope at a position for each row",
  makeCase: ([B, T, H, headDim, count]) => {
    const random = new Random(B + 10 * T + 100 * H + headDim + count);
    const data = random.normal(B * T * H * headDim);
    const positions = random.integers(B * T, count);
    // The first and the last that there are, whatever was drawn.
    positions[0] = count - 1;
    positions[B * T - 1] = 0;
    return ropeAt({ shape: [B, T, H * headDim], data }, headDim, count, positions);
  },
  tolerances,
  differentiate: [[1, 1, 1, 2, 3], [2, 3, 2, 4, 5]],
  // Fewer positions than rows, so that some are there twice, and more; the last has more than 65,535 rows.
  compare: [
    [1, 1, 1, 2, 1],
    [1, 1, 1, 2, 5],
    [2, 3, 1, 4, 2],
    [3, 5, 3, 6, 4],
    [2, 7, 2, 8, 300],
    [1, 13, 5, 10, 101],
    [2, 31, 2, 16, 31],
    [1, 257, 1, 2, 40],
    [1, 256, 1, 4, 7],
    [3, 19, 9, 4, 2],
    [1, 33, 1, 128, 70],
    [2, 33_001, 1, 2, 5],
  ],
  accumulate: [[2, 7, 3, 6, 3], [1, 65, 2, 16, 9]],
  repeat: [2, 65, 3, 16, 20],
});

forEachDevice("rope at positions that count up from a start gives the bits that the start gives", async (backend) => {
  for (const [B, T, H, headDim, start] of [[1, 1, 1, 2, 3], [3, 17, 5, 6, 0], [2, 65, 3, 16, 7]]) {
    const x = { shape: [B, T, H * headDim], data: new Random(B + T).normal(B * T * H * headDim) };
    const positions = Uint32Array.from({ length: B * T }, (_, r) => start + r % T);
    const expected = await runOp(backend, ropeOf(x, { headDim, positions: start + T, start }));
    assertEquals(await runOp(backend, ropeAt(x, headDim, start + T, positions)), expected);
  }
});

forEachBackend("rope of two documents in a sequence gives what each of them gives alone", async (backend) => {
  const [H, headDim] = [2, 6];
  const lengths = [5, 8];
  const random = new Random(31);
  const documents = lengths.map((length) => random.normal(length * H * headDim));
  const alone: number[] = [];
  for (const [i, data] of documents.entries()) {
    const op = ropeOf({ shape: [1, lengths[i], H * headDim], data }, { headDim, positions: 8, start: 0 });
    alone.push(...(await runOp(backend, op)).y);
  }
  const data = Float32Array.from(documents.flatMap((values) => [...values]));
  const positions = Uint32Array.from(lengths.flatMap((length) => Array.from({ length }, (_, t) => t)));
  const packed = await runOp(backend, ropeAt({ shape: [1, 13, H * headDim], data }, headDim, 8, positions));
  assertEquals([...packed.y], alone);
});

Deno.test("rope takes either a start or positions", () => {
  const tensor = (name: string, shape: readonly number[], dtype: DType) => new Tensor(name, shape, { dtype });
  const [x, cos, sin] = [[2, 3, 8], [9, 2], [9, 2]].map((shape, i) => tensor("xcs"[i], shape, "f32"));
  const start = tensor("start", [1], "u32");
  const positions = tensor("positions", [2, 3], "u32");
  const problem = "Cannot apply rope: got";
  // @ts-expect-error: not both
  const both = () => rope(new Graph(), x, 4, { cos, sin, start, positions });
  assertThrows(both, TypeError, `${problem} ${start} as start and ${positions} as positions, must be`);
  // @ts-expect-error: not neither
  const neither = () => rope(new Graph(), x, 4, { cos, sin });
  assertThrows(neither, TypeError, `${problem} neither start nor positions, must be`);
});

Deno.test("rope at positions needs no more rows of the tables than there are positions", () => {
  const graph = new Graph();
  const positions = new Tensor("positions", [2, 9], { dtype: "u32" });
  const [cos, sin] = ["cos", "sin"].map((name) => new Tensor(name, [4, 2]));
  rope(graph, new Tensor("x", [2, 9, 8]), 4, { cos, sin, positions });
  assertEquals(positions.below, 4);
});
