// Integers that say where in an array a kernel reads or writes: those out of range are refused when the host writes them,
// and no kernel reads or writes beyond an array for those that nobody checked.
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { InputBlock } from "../../lib/graph/inputs.ts";
import { plan } from "../../lib/graph/plan.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { attention } from "../../lib/ops/attention.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { embedding } from "../../lib/ops/embedding.ts";
import { rope } from "../../lib/ops/rope.ts";
import { selectRows } from "../../lib/ops/select_rows.ts";
import { writeRows } from "../../lib/ops/write_rows.ts";
import { forEachBackend, forEachDevice, reference } from "../harness/backends.ts";
import { Random } from "../harness/random.ts";

/** Programs that read memory at places which integers give, with the bound below which each must lie. */
interface Indexed {
  readonly name: string;
  readonly below: number;
  /** How many integers there are. */
  readonly count: number;
  /** How they are arranged; (count) by default. */
  readonly shape?: readonly number[];
  readonly build: (graph: Graph, indices: Tensor, floats: (shape: readonly number[]) => Tensor) => Tensor;
}

const KV_CACHE = { B: 2, S: 40, D: 6 };

const INDEXED: readonly Indexed[] = [
  {
    name: "embedding's ids",
    below: 7,
    count: 5,
    build: (graph, ids, floats) => embedding(graph, ids, floats([7, 3])),
  },
  {
    name: "selectRows' rows",
    below: 12,
    count: 5,
    build: (graph, rows, floats) => selectRows(graph, floats([2, 6, 3]), rows),
  },
  {
    name: "crossEntropy's targets",
    below: 9,
    count: 4,
    build: (graph, targets, floats) => crossEntropy(graph, floats([4, 9]), targets),
  },
  {
    name: "rope's start",
    below: 11 - 3 + 1,
    count: 1,
    build: (graph, start, floats) =>
      rope(graph, floats([2, 3, 8]), 4, { cos: floats([11, 2]), sin: floats([11, 2]), start }),
  },
  {
    name: "rope's positions",
    below: 11,
    count: 6,
    shape: [2, 3],
    build: (graph, positions, floats) =>
      rope(graph, floats([2, 3, 8]), 4, { cos: floats([11, 2]), sin: floats([11, 2]), positions }),
  },
  ...[1, 2, 17].map((T): Indexed => ({
    name: `attention's start with ${T} queries`,
    below: KV_CACHE.S - T + 1,
    count: 1,
    build: (graph, start, floats) => {
      const { B, S, D } = KV_CACHE;
      return attention(graph, floats([B, T, D]), floats([B, S, D]), floats([B, S, D]), 2, start);
    },
  })),
];

/** A loaded program with its indices, and what it computes. */
async function load(backend: Backend, { count, shape = [count], build }: Indexed) {
  const graph = new Graph();
  const random = new Random(5);
  const indices = graph.input("indices", shape, { dtype: "u32" });
  const data: [Tensor, Float32Array][] = [];
  const y = build(graph, indices, (shape) => {
    const tensor = graph.input(`floats ${data.length}`, shape);
    data.push([tensor, random.normal(tensor.size)]);
    return tensor;
  });
  const program = plan(graph, { keep: [y] });
  const executable = await backend.load(program);
  const block = new InputBlock(program);
  for (const [tensor, values] of data) block.floats(tensor).set(values);
  return {
    block,
    indices,
    view: program.view(indices),
    run: async () => {
      await executable.run();
      return await backend.read(program.view(y)) as Float32Array;
    },
    release: () => program.storages.forEach((storage) => backend.release(storage)),
  };
}

for (const indexed of INDEXED) {
  const { name, below, count } = indexed;
  forEachBackend(`${name} out of range are refused when they are written`, async (backend) => {
    const { block, indices, view, release } = await load(backend, indexed);
    for (const bad of [below, below + 1, 0xffffffff]) {
      const values = new Uint32Array(count).fill(below - 1);
      values[count - 1] = bad;
      block.integers(indices).set(values);
      const message = `got ${bad} at ${count - 1}, must be below ${below}`;
      assertThrows(() => backend.write(block.view, block.words), RangeError, message);
      assertThrows(() => backend.write(view, values), RangeError, message);
    }
    block.integers(indices).fill(below - 1);
    backend.write(block.view, block.words);
    release();
  });

  forEachDevice(`${name} out of range that nobody checked read no memory beyond the array`, async (backend) => {
    // What the last one in range gives, by the backend that computes in another way.
    const oracle = await load(await reference(), indexed);
    oracle.block.integers(oracle.indices).fill(below - 1);
    (await reference()).write(oracle.block.view, oracle.block.words);
    const expected = await oracle.run();
    oracle.release();
    const { block, view, run, release } = await load(backend, indexed);
    backend.write(block.view, block.words);
    for (const bad of [below, below + 7, 1 << 20, 0x7fffffff, 0xffffffff]) {
      // A view without the bound, as of integers that a kernel wrote.
      const { storage, byteOffset, size, dtype } = view;
      backend.write({ storage, byteOffset, size, dtype }, new Uint32Array(count).fill(bad));
      const actual = await run();
      for (const [i, value] of expected.entries()) {
        assert(
          Math.abs(actual[i] - value) <= 1e-5 * (1 + Math.abs(value)),
          `${bad}: ${actual[i]} at ${i}, not ${value}`,
        );
      }
    }
    release();
  });
}

forEachDevice("gradients of indices out of range that nobody checked go to the last in range", async (backend) => {
  const random = new Random(8);
  const [N, V, D] = [5, 7, 6];
  const build = (graph: Graph) => {
    const ids = graph.input("ids", [N], { dtype: "u32" });
    const targets = graph.input("targets", [N], { dtype: "u32" });
    const weight = graph.input("weight", [V, D], { requiresGrad: true });
    const dLoss = graph.input("dLoss", [1]);
    const gradient = new Tensor("gradient", [V, D], {
      placement: { storage: new DeviceStorage("gradient", V * D * 4), byteOffset: 0 },
    });
    const loss = crossEntropy(graph, embedding(graph, ids, weight), targets);
    backward(graph, loss, dLoss, { gradientOf: new Map([[weight, gradient]]) });
    return { ids, targets, weight, dLoss, gradient };
  };
  const weights = random.normal(V * D);
  const run = async (on: Backend, id: number, target: number) => {
    const graph = new Graph();
    const { ids, targets, weight, dLoss, gradient } = build(graph);
    const program = plan(graph);
    const executable = await on.load(program);
    const block = new InputBlock(program);
    block.floats(weight).set(weights);
    block.floats(dLoss).fill(1);
    on.write(block.view, block.words);
    for (const [tensor, value] of [[ids, id], [targets, target]] as const) {
      const { storage, byteOffset, size, dtype } = program.view(tensor);
      on.write({ storage, byteOffset, size, dtype }, new Uint32Array(size).fill(value));
    }
    await executable.run();
    const values = await on.read(program.view(gradient));
    program.storages.forEach((storage) => on.release(storage));
    return [...values];
  };
  const expected = await run(await reference(), V - 1, D - 1);
  for (const bad of [V, 1000, 0xffffffff]) {
    const actual = await run(backend, bad, bad);
    for (const [i, value] of expected.entries()) {
      assert(Math.abs(actual[i] - value) < 1e-5, `${actual} for ${expected}`);
    }
  }
});

forEachDevice("rows written out of range change nothing", async (backend) => {
  const graph = new Graph();
  const storage = new DeviceStorage("rows", 2 * 5 * 3 * 4);
  const out = new Tensor("out", [2, 5, 3], { placement: { storage, byteOffset: 0 } });
  const x = graph.input("x", [2, 2, 3]);
  const start = graph.input("start", [1], { dtype: "u32" });
  writeRows(graph, x, start, out);
  const program = plan(graph);
  const executable = await backend.load(program);
  const block = new InputBlock(program);
  block.floats(x).fill(1);
  backend.write(block.view, block.words);
  const { storage: inputs, byteOffset, size, dtype } = program.view(start);
  for (const bad of [5, 77, 0xfffffffe, 0xffffffff]) {
    backend.write(program.view(out), new Float32Array(30).fill(7));
    backend.write({ storage: inputs, byteOffset, size, dtype }, Uint32Array.of(bad));
    await executable.run();
    assertEquals(await backend.read(program.view(out)), new Float32Array(30).fill(7));
  }
  program.storages.forEach((used) => backend.release(used));
});

Deno.test("a bound holds for the smallest of all that the integers are used for", () => {
  const graph = new Graph();
  const ids = graph.input("ids", [3], { dtype: "u32" });
  embedding(graph, ids, new Tensor("large", [10, 2]));
  embedding(graph, ids, new Tensor("small", [4, 2]));
  assertEquals(ids.below, 4);
});
