// Ops that move numbers about, at random shapes, against loops over indices that share nothing with the ops.
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { runGraph } from "../../lib/graph/run_graph.ts";
import { Graph } from "../../lib/graph/graph.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { concatenate } from "../../lib/ops/concatenate.ts";
import { permute, transpose } from "../../lib/ops/permute.ts";
import { reshape } from "../../lib/ops/reshape.ts";
import { slice } from "../../lib/ops/slice.ts";

const RUNS = { seed: 7, numRuns: 200 };

/** An array's shape, and the first of its elements, which go on by one: all are different. */
interface Numbered {
  readonly shape: readonly number[];
  readonly first: number;
}

const shapes = (maxLength: number) => fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength });

/** A dimension of an array, as it may be named: from the start or from the end. */
const dimensions = fc.record({ dim: fc.nat(), fromEnd: fc.boolean() });

const named = ({ dim, fromEnd }: { dim: number; fromEnd: boolean }, rank: number) =>
  [dim % rank, fromEnd ? dim % rank - rank : dim % rank] as const;

/** All indices of a shape, in the order in which its elements lie. */
function indicesOf(shape: readonly number[]): number[][] {
  let indices: number[][] = [[]];
  for (const size of shape) indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  return indices;
}

/** The element at an index. */
function elementAt({ shape, first }: Numbered, index: readonly number[]): number {
  let place = 0;
  shape.forEach((size, d) => place = place * size + index[d]);
  return first + place;
}

/** Asserts that what an op makes of arrays has this shape, and at each index this number. */
async function assertElements(
  backend: Backend,
  arrays: readonly Numbered[],
  apply: (graph: Graph, tensors: readonly Tensor[]) => Tensor,
  shape: readonly number[],
  expected: (index: readonly number[]) => number,
): Promise<void> {
  const graph = new Graph();
  const tensors = arrays.map(({ shape }, i) => graph.input(`x${i}`, shape));
  const y = apply(graph, tensors);
  assertEquals(y.shape, shape);
  const values = tensors.map((x, i) =>
    [x, Float32Array.from({ length: x.size }, (_, j) => arrays[i].first + j)] as const
  );
  assertEquals([...await runGraph(backend, graph, y, values)], indicesOf(shape).map(expected));
}

Deno.test("permute and transpose have each element at its index in the new order", async () => {
  await using backend = await createWasmBackend({ workers: 2 });
  const cases = shapes(4).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      // With dimensions of size 1 in between, there are more than four.
      ones: fc.array(fc.nat(shape.length), { maxLength: 3 }),
      shuffle: fc.infiniteStream(fc.nat()),
      swap: fc.tuple(dimensions, dimensions),
    })
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape: some, ones, shuffle, swap }) => {
      const shape = ones.reduce((shape, at) => shape.toSpliced(at, 0, 1), some);
      const x = { shape, first: 1 };
      const order = shape.map((_, d) => ({ d, key: shuffle.next().value })).sort((a, b) => a.key - b.key).map(({ d }) =>
        d
      );
      const check = (apply: (graph: Graph, x: Tensor) => Tensor, order: readonly number[]) =>
        assertElements(backend, [x], (graph, [x]) => apply(graph, x), order.map((d) => shape[d]), (index) => {
          const at: number[] = [];
          order.forEach((d, i) => at[d] = index[i]);
          return elementAt(x, at);
        });
      await check((graph, x) => permute(graph, x, order), order);

      const [[a, dim0], [b, dim1]] = swap.map((dim) => named(dim, shape.length));
      const swapped = shape.map((_, d) => d);
      [swapped[a], swapped[b]] = [swapped[b], swapped[a]];
      await check((graph, x) => transpose(graph, x, dim0, dim1), swapped);
    }),
    RUNS,
  );
});

Deno.test("slice has each element at its index less the start", async () => {
  await using backend = await createWasmBackend({ workers: 2 });
  const cases = fc.record({
    shape: shapes(5),
    along: dimensions,
    start: fc.nat(),
    size: fc.nat(),
    fromEnd: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, along, fromEnd, ...picked }) => {
      const [d, dim] = named(along, shape.length);
      const start = picked.start % shape[d];
      const size = 1 + picked.size % (shape[d] - start);
      const end = start + size;
      // The end of all cannot be counted from itself.
      const [first, last] = fromEnd ? [start - shape[d], end === shape[d] ? undefined : end - shape[d]] : [start, end];
      const x = { shape, first: 1 };
      await assertElements(
        backend,
        [x],
        (graph, [x]) => slice(graph, x, dim, first, last),
        shape.with(d, size),
        (index) => elementAt(x, index.with(d, index[d] + start)),
      );
    }),
    RUNS,
  );
});

Deno.test("concatenate has each element of each array, one array after the other", async () => {
  await using backend = await createWasmBackend({ workers: 2 });
  const cases = fc.record({
    shape: shapes(4),
    along: dimensions,
    sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, along, sizes }) => {
      const [d, dim] = named(along, shape.length);
      const arrays = sizes.map((size, i) => ({ shape: shape.with(d, size), first: 1 + 100_000 * i }));
      // For each index along the dimension: whose it is, and which it is there.
      const places = arrays.flatMap((array) => Array.from({ length: array.shape[d] }, (_, at) => ({ array, at })));
      await assertElements(
        backend,
        arrays,
        (graph, tensors) => concatenate(graph, tensors, dim),
        shape.with(d, places.length),
        (index) => elementAt(places[index[d]].array, index.with(d, places[index[d]].at)),
      );
    }),
    RUNS,
  );
});

Deno.test("broadcast has at each index the element at that index, or at 0 where the size is 1", async () => {
  await using backend = await createWasmBackend({ workers: 2 });
  const cases = fc.record({ shape: shapes(4), ones: fc.array(fc.nat(3), { maxLength: 2 }), added: fc.nat(2) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, ones, added }) => {
      const kept = shape.length === 1 ? 0 : Math.min(added, shape.length - 1);
      const x = { shape: shape.map((size, d) => ones.includes(d) ? 1 : size).slice(kept), first: 1 };
      await assertElements(
        backend,
        [x],
        (graph, [x]) => broadcast(graph, x, shape),
        shape,
        (index) => elementAt(x, x.shape.map((size, d) => size === 1 ? 0 : index[kept + d])),
      );
    }),
    RUNS,
  );
});

Deno.test("reshape has the same elements in the same order, and its sizes are what the others leave", async () => {
  await using backend = await createWasmBackend({ workers: 2 });
  const cases = fc.record({ shape: shapes(5), merged: fc.nat(), inferred: fc.option(fc.nat(), { nil: undefined }) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, merged, inferred }) => {
      // Two neighbours taken as one, and a dimension of 1 behind.
      const at = merged % shape.length;
      const to = [...shape.toSpliced(at, 2, shape.slice(at, at + 2).reduce((a, b) => a * b)), 1];
      const asked = inferred === undefined ? to : to.with(inferred % to.length, -1);
      let next = 1;
      await assertElements(backend, [{ shape, first: 1 }], (graph, [x]) => reshape(graph, x, asked), to, () => next++);
    }),
    RUNS,
  );
});
