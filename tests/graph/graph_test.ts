import { assertEquals, assertThrows } from "@std/assert";
import { backward } from "../../lib/graph/backward.ts";
import { Graph, type Precision } from "../../lib/graph/graph.ts";
import { defineKernel } from "../../lib/graph/kernel.ts";
import { plan } from "../../lib/graph/plan.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { siluForward } from "../../lib/ops/silu.ts";
import { swiglu } from "../../lib/ops/swiglu.ts";

const KERNEL = defineKernel({
  name: "two in, two out",
  inputs: ["a", "b"],
  outputs: ["y", "z"],
  constants: { n: "u32", eps: "f32" },
});

Deno.test("Graph.call puts arguments in the kernel's order", () => {
  const graph = new Graph();
  const [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
  const [y, z] = [new Tensor("y", [2]), new Tensor("z", [2])];
  graph.call(KERNEL, { constants: { eps: 0.5, n: 2 }, outputs: { z, y }, inputs: { b, a } });
  const [call] = graph.calls;
  assertEquals(call.inputs.map(String), ["a (2)", "b (2)"]);
  assertEquals(call.outputs.map(String), ["y (2)", "z (2)"]);
  assertEquals(call.constants, [2, 0.5]);
});

Deno.test("Graph.call refuses an output that is also an input or another output", () => {
  const graph = new Graph();
  const [a, b] = [graph.input("a", [2]), graph.input("b", [2])];
  const [y, z] = [new Tensor("y", [2]), new Tensor("z", [2])];
  const constants = { n: 2, eps: 0 };
  const call = (inputs: { a: Tensor; b: Tensor }, outputs: { y: Tensor; z: Tensor }) =>
    assertThrows(
      () => graph.call(KERNEL, { inputs, outputs, constants }),
      Error,
      "Cannot call two in, two out: got y (2)",
    );
  call({ a, b }, { y, z: y });
  call({ a, b: y }, { y, z });
  // Another shape of a tensor is the same array.
  const flat = new Tensor("y", [2], { base: y });
  call({ a, b }, { y, z: flat });
  call({ a, b: y }, { y: flat, z });
  call({ a, b: flat }, { y, z });
  // Reading one tensor twice is fine.
  graph.call(KERNEL, { inputs: { a, b: a }, outputs: { y, z }, constants });
});

Deno.test("Graph.call refuses an array of another size than the kernel says it has for these constants", () => {
  const graph = new Graph();
  const [x, y] = [graph.input("x", [2, 3]), new Tensor("y", [6])];
  const call = (x: Tensor, y: Tensor, n: number) =>
    graph.call(siluForward, { inputs: { x }, outputs: { y }, constants: { n } });
  call(x, y, 6);
  assertThrows(() => call(x, y, 7), RangeError, "Cannot call silu_forward: got x (2, 3) as x, must have 7 elements");
  assertThrows(() => call(x, y, 5), RangeError, "got x (2, 3) as x, must have 5 elements");
  assertThrows(() => call(x, new Tensor("y", [7]), 6), RangeError, "got y (7) as y, must have 6 elements");
  assertEquals(graph.calls.length, 1);
});

Deno.test("an op that would write one gradient twice in one call says so", () => {
  const graph = new Graph();
  const x = graph.input("x", [3], { requiresGrad: true });
  const y = swiglu(graph, x, x);
  assertThrows(() => backward(graph, y, graph.input("dY", [3])), Error, "Cannot call swiglu_backward: got d_x (3)");
});

Deno.test("Program names every storage that it needs once, its inputs too where no call reads them", () => {
  const graph = new Graph();
  graph.input("unused", [1]);
  const storage = new DeviceStorage("both", 512);
  const [from, to] = [new DeviceStorage("from", 512), storage].map((storage, i) => {
    return new Tensor(`t${i}`, [3], { placement: { storage, byteOffset: 256 } });
  });
  const z = new Tensor("z", [3]);
  graph.call(KERNEL, { inputs: { a: from, b: from }, outputs: { y: to, z }, constants: { n: 3, eps: 0 } });
  const program = plan(graph);
  assertEquals(program.storages.map(({ name }) => name).sort(), ["both", "from", "inputs", "scratch 0"]);
});

Deno.test("graph: a precision that there is not is refused", () => {
  assertThrows(() => new Graph({ precision: "f64" as Precision }), RangeError, 'got precision "f64"');
});

Deno.test("Graph.call refuses constants that its kernel could not hold", () => {
  const x = new Tensor("x", [2]);
  const largest = (2 - 2 ** -23) * 2 ** 127;
  const call = (constants: { n: number; eps: number }) =>
    new Graph().call(KERNEL, {
      inputs: { a: x, b: x },
      outputs: { y: new Tensor("y", [2]), z: new Tensor("z", [2]) },
      constants,
    });
  for (const eps of [NaN, Infinity, 1e39, -1e300]) {
    assertThrows(() => call({ n: 2, eps }), RangeError, `got eps ${eps}, must be a number that is finite as a float32`);
  }
  for (const n of [-1, 0.5, 2 ** 32]) {
    assertThrows(() => call({ n, eps: 1 }), RangeError, `got n ${n}, must be a whole`);
  }
  for (const eps of [largest, -largest, 0, 1e-50]) call({ n: 2 ** 32 - 1, eps });
});
