import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { embedding } from "../../lib/ops/embedding.ts";
import { forEachBackend } from "../harness/backends.ts";

const placed = (name: string, shape: readonly number[], contents?: () => Float32Array) => {
  const storage = new DeviceStorage(name, shape.reduce((product, n) => product * n) * 4, contents);
  return new Tensor(name, shape, { placement: { storage, byteOffset: 0 } });
};

/** 7 and 64 + 1: a prime, and a tile and one more. */
for (const size of [1, 7, 65]) {
  forEachBackend(
    `a compiled graph of ${size} elements takes inputs, runs, and gives back what is kept`,
    async (backend) => {
      const graph = new Graph();
      const [x, y] = [graph.input("x", [size]), graph.input("y", [size])];
      const sum = add(graph, x, y);
      using compiled = await compile(backend, graph, { keep: [sum] });
      const [a, b] = [3, 5].map((factor) => Float32Array.from({ length: size }, (_, i) => factor * i - 1));
      await compiled.set(x, a).set(y, b).run();
      assertEquals([...await compiled.readFloats(sum)], [...a].map((value, i) => value + b[i]));
      // What is not set again stays; part of an input can be set.
      await compiled.set(y, [100], size - 1).run();
      assertEquals((await compiled.read(sum))[size - 1], a[size - 1] + 100);
      assertThrows(() => compiled.set(x, new Float32Array(size + 1)), RangeError);
    },
  );
}

forEachBackend(
  "a storage holds its contents wherever it is loaded, and again after it was released",
  async (backend) => {
    const constants = placed("constants", [5], () => Float32Array.of(1, 2, 3, 4, 5));
    const result = placed("result", [5]);
    const graph = new Graph();
    copy(graph, constants, result, false);
    for (let i = 0; i < 2; i++) {
      using compiled = await compile(backend, graph);
      await compiled.run();
      assertEquals([...await compiled.read(result)], [1, 2, 3, 4, 5]);
      compiled.set(constants, [9, 9, 9, 9, 9]);
      for (const { placement } of [constants, result]) backend.release(placement!.storage);
    }
  },
);

forEachBackend("a compiled graph frees what is its own, and says that it was disposed of", async (backend) => {
  const weight = placed("weight", [4]);
  const trace = () => {
    const graph = new Graph();
    const x = graph.input("x", [4]);
    return { graph, x, sum: add(graph, x, weight) };
  };
  const first = trace();
  (await compile(backend, first.graph, { keep: [first.sum] }))[Symbol.dispose]();
  const before = backend.bytesInUse;
  for (let i = 0; i < 5; i++) {
    const { graph, x, sum } = trace();
    const compiled = await compile(backend, graph, { keep: [sum] });
    await compiled.set(x, [1, 2, 3, 4]).run();
    compiled[Symbol.dispose]();
    compiled[Symbol.dispose]();
    assertThrows(() => compiled.set(x, [1]), Error, "disposed of");
    await assertRejects(() => compiled.run(), Error, "disposed of");
    await assertRejects(() => compiled.read(sum), Error, "disposed of");
  }
  assertEquals(backend.bytesInUse, before);
  backend.release(weight.placement!.storage);
});

forEachBackend("ids beyond the embedding are refused when they are sent", async (backend) => {
  const graph = new Graph();
  const ids = graph.input("ids", [3], { dtype: "u32" });
  const rows = embedding(graph, ids, placed("table", [5, 2]));
  using compiled = await compile(backend, graph, { keep: [rows] });
  await assertRejects(() => compiled.set(ids, [0, 5, 1]).run(), RangeError, "must be below 5");
  await compiled.set(ids, [0, 4, 1]).run();
});
