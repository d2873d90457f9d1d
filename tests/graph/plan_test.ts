import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Graph } from "../../lib/graph/graph.ts";
import { InputBlock } from "../../lib/graph/inputs.ts";
import { defineKernel } from "../../lib/graph/kernel.ts";
import { align, ALIGNMENT_BYTES, plan } from "../../lib/graph/plan.ts";
import type { Program } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";

const COPY = defineKernel({ name: "copy", inputs: ["x"], outputs: ["y"], constants: { n: "u32" } });

/** A random list of calls: what each reads and writes, by position among the tensors made so far. */
interface RandomCall {
  readonly reads: readonly number[];
  /** Whether it reads them in another shape. */
  readonly reshaped: boolean;
  /** Sizes of the new tensors that it writes. */
  readonly makes: readonly number[];
  /** Tensors made before that it writes again, as a kernel does that accumulates. */
  readonly rewrites: readonly number[];
}

const position = fc.nat(1000);
const randomCalls = fc.array(
  fc.record<RandomCall>({
    reads: fc.array(position, { maxLength: 3 }),
    reshaped: fc.boolean(),
    makes: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 2 }),
    rewrites: fc.array(position, { maxLength: 1 }),
  }),
  { minLength: 1, maxLength: 40 },
);

/** Builds a graph of made-up kernels from random calls, starting from two inputs and a tensor with a fixed place. */
function graphOf(calls: readonly RandomCall[]): { graph: Graph; intermediates: Tensor[] } {
  const graph = new Graph();
  const storage = new DeviceStorage("parameters", 1024);
  const tensors = [
    graph.input("ids", [65], { dtype: "u32" }),
    graph.input("x", [3, 7]),
    new Tensor("weight", [128], { placement: { storage, byteOffset: 512 } }),
  ];
  const intermediates: Tensor[] = [];
  calls.forEach(({ reads, reshaped, makes, rewrites }, i) => {
    const made = makes.map((size, j) => new Tensor(`t${i}.${j}`, [size]));
    const rewritten = rewrites.flatMap((k) => intermediates.length ? [intermediates[k % intermediates.length]] : []);
    const outputs = [...made, ...rewritten];
    const inputs = [...new Set(reads.map((k) => tensors[k % tensors.length]))].filter((x) => !outputs.includes(x))
      .map((x) => reshaped ? new Tensor(x.name, [x.size, 1], { base: x }) : x);
    const named = (list: Tensor[], prefix: string) => Object.fromEntries(list.map((x, k) => [prefix + k, x]));
    const kernel = defineKernel({
      name: "made up",
      inputs: Object.keys(named(inputs, "x")),
      outputs: Object.keys(named(outputs, "y")),
      integers: inputs.flatMap(({ dtype }, k) => dtype === "u32" ? [`x${k}`] : []),
      constants: {},
    });
    graph.call(kernel, { inputs: named(inputs, "x"), outputs: named(outputs, "y"), constants: {} });
    tensors.push(...made);
    intermediates.push(...made);
  });
  return { graph, intermediates };
}

/** Replays a program with names for contents: a place holds the tensor last written there. */
function requireContentsSurvive(graph: Graph, program: Program, keep: readonly Tensor[]): void {
  const contents = new Map<DeviceStorage, Tensor>();
  const written = new Set<Tensor>();
  graph.calls.forEach((call, i) => {
    const { views } = program.calls[i];
    call.inputs.forEach((tensor, k) => {
      const { storage } = views[k];
      if (program.scratch.includes(storage)) assertEquals(contents.get(storage)?.name, tensor.name);
    });
    call.outputs.forEach((tensor, k) => {
      const { storage, byteOffset, size } = views[call.inputs.length + k];
      assertEquals({ byteOffset, size }, { byteOffset: 0, size: tensor.size });
      assert(size * 4 <= storage.bytes, `${tensor} in ${storage.bytes} bytes`);
      // What is written again may be added to: it must still hold what it held.
      if (written.has(tensor)) assertEquals(contents.get(storage)?.name, tensor.name);
      contents.set(storage, tensor);
      written.add(tensor);
    });
  });
  for (const tensor of keep) assertEquals(contents.get(program.view(tensor).storage)?.name, tensor.name);
}

Deno.test("plan: nothing overwrites a tensor before its last use, nor a kept one ever", () => {
  fc.assert(
    fc.property(randomCalls, fc.array(position, { maxLength: 4 }), (calls, kept) => {
      const { graph, intermediates } = graphOf(calls);
      const keep = [...new Set(kept.map((k) => intermediates[k % intermediates.length]))];
      // A tensor is kept by any of its shapes.
      const program = plan(graph, { keep: keep.map((x) => new Tensor(x.name, [1, x.size], { base: x })) });
      requireContentsSurvive(graph, program, keep);
      const owner = new Map(keep.map((tensor) => [program.view(tensor).storage, tensor]));
      graph.calls.forEach((call, i) => {
        [...call.inputs, ...call.outputs].forEach((tensor, k) => {
          assertEquals((owner.get(program.calls[i].views[k].storage) ?? tensor).name, tensor.name);
        });
      });
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("plan: a call's inputs and outputs lie in different storages, and its outputs in different ones", () => {
  fc.assert(
    fc.property(randomCalls, (calls) => {
      const { graph } = graphOf(calls);
      const program = plan(graph);
      graph.calls.forEach((call, i) => {
        const storages = program.calls[i].views.map((view) => view.storage);
        const read = new Set(storages.slice(0, call.inputs.length));
        const written = storages.slice(call.inputs.length);
        assertEquals(new Set(written).size, written.length);
        assertEquals(written.filter((storage) => read.has(storage)), []);
      });
    }),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("plan: takes at least what is alive at once, and at most what all tensors take together", () => {
  fc.assert(
    fc.property(randomCalls, (calls) => {
      const { graph, intermediates } = graphOf(calls);
      const bytes = plan(graph).scratch.reduce((sum, storage) => sum + storage.bytes, 0);
      const alive = graph.calls.map((_, i) =>
        intermediates.filter((tensor) => {
          const uses = graph.calls.flatMap((call, j) =>
            [...call.inputs, ...call.outputs].some(({ base }) => base === tensor) ? [j] : []
          );
          return uses[0] <= i && i <= uses.at(-1)!;
        })
      );
      const sizeOf = (tensors: readonly Tensor[]) => tensors.reduce((sum, { size }) => sum + align(size * 4), 0);
      assert(bytes <= sizeOf(intermediates), `${bytes} of ${sizeOf(intermediates)}`);
      assert(bytes >= Math.max(...alive.map(sizeOf)));
    }),
    { seed: 3, numRuns: 100 },
  );
});

Deno.test("plan: a chain of any length takes turns in two slots", () => {
  const graph = new Graph();
  let x = graph.input("x", [100]);
  for (let i = 0; i < 50; i++) {
    const y = new Tensor(`y${i}`, [100]);
    graph.call(COPY, { inputs: { x }, outputs: { y }, constants: { n: 100 } });
    x = y;
  }
  assertEquals(plan(graph).scratch.map((storage) => storage.bytes), [512, 512]);
});

Deno.test("plan: inputs lie side by side, aligned; fixed tensors stay where they are", () => {
  const graph = new Graph();
  const [a, b, c] = [graph.input("a", [1]), graph.input("b", [65], { dtype: "u32" }), graph.input("c", [2, 2])];
  const storage = new DeviceStorage("parameters", 1024);
  const fixed = new Tensor("fixed", [4], { placement: { storage, byteOffset: 256 } });
  graph.call(COPY, { inputs: { x: c }, outputs: { y: fixed }, constants: { n: 4 } });
  const program = plan(graph);
  assertEquals([a, b, c].map((tensor) => program.view(tensor).byteOffset), [0, 256, 768]);
  assertEquals(program.inputs?.bytes, 1024);
  assertEquals(program.view(b), { storage: program.inputs!, byteOffset: 256, size: 65, dtype: "u32" });
  assertEquals(program.view(fixed), { storage, byteOffset: 256, size: 4, dtype: "f32" });
  assertEquals(program.scratch, []);
  assertEquals(new Set(program.storages), new Set([program.inputs, storage]));
  assertEquals(ALIGNMENT_BYTES, 256);
});

Deno.test("plan: refuses an input that nothing computes, and a view of memory that it reuses", () => {
  const graph = new Graph();
  const [x, y] = [new Tensor("x", [3]), new Tensor("y", [3])];
  graph.call(COPY, { inputs: { x }, outputs: { y }, constants: { n: 3 } });
  assertThrows(() => plan(graph), Error, "Cannot plan copy: nothing computes its input x (3)");

  const good = new Graph();
  good.call(COPY, { inputs: { x: good.input("a", [3]) }, outputs: { y }, constants: { n: 3 } });
  assertThrows(() => plan(good).view(y), Error, "Cannot view y (3): the plan reuses its memory");
  assertEquals(plan(good, { keep: [y] }).view(y).size, 3);
});

Deno.test("InputBlock: each input has its part of the words", () => {
  const graph = new Graph();
  const [ids, x] = [graph.input("ids", [3], { dtype: "u32" }), graph.input("x", [2])];
  const y = new Tensor("y", [2]);
  graph.call(COPY, { inputs: { x }, outputs: { y }, constants: { n: 2 } });
  const program = plan(graph, { keep: [y] });
  const block = new InputBlock(program);
  block.integers(ids).set([7, 8, 2 ** 32 - 1]);
  block.floats(x).set([1, -2]);
  assertEquals(block.words.byteLength, program.inputs!.bytes);
  assertEquals([...block.words.subarray(0, 4)], [7, 8, 2 ** 32 - 1, 0]);
  // IEEE 754: 1 is 0x3f800000, −2 is 0xc0000000.
  assertEquals([...block.words.subarray(64, 67)], [0x3f800000, 0xc0000000, 0]);
  assertThrows(() => block.floats(ids), TypeError, "Cannot fill ids (3): got u32, must be an input of type f32");
  assertThrows(() => block.integers(x), TypeError, "got f32, must be an input of type u32");
  assertThrows(() => block.floats(y), TypeError, "must be an input");
  const none = new Graph();
  assertThrows(() => new InputBlock(plan(none)), Error, "the program has no inputs");
});
