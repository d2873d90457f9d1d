import { assertEquals, assertRejects } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { runGraph } from "../../lib/graph/run_graph.ts";
import { add } from "../../lib/ops/add.ts";
import { linear } from "../../lib/ops/linear.ts";
import { forEachBackend } from "../harness/backends.ts";

forEachBackend("runGraph() computes once, reads one tensor, and frees the rest", async (backend) => {
  const graph = new Graph();
  const x = graph.input("x", [2, 3]);
  const weight = graph.input("weight", [4, 3]);
  const bias = graph.input("bias", [2, 4]);
  const product = linear(graph, x, weight);
  const y = add(graph, product, bias);
  // Small whole numbers: sums are exact.
  const numbers = (length: number, step: number) => Array.from({ length }, (_, i) => (i * step) % 7 - 3);
  const [a, w, b] = [numbers(6, 5), numbers(12, 3), numbers(8, 2)];
  const expected = Array.from({ length: 8 }, (_, i) => {
    const [row, column] = [Math.floor(i / 4), i % 4];
    let sum = b[i];
    for (let k = 0; k < 3; k++) sum += a[row * 3 + k] * w[column * 3 + k];
    return sum;
  });
  const before = backend.bytesInUse;
  const given = [[x, a], [weight, w], [bias, b]] as const;
  assertEquals([...await runGraph(backend, graph, y, given)], expected);
  assertEquals([...await runGraph(backend, graph, y, new Map(given))], expected);
  assertEquals([...await runGraph(backend, graph, product, given)], expected.map((value, i) => value - b[i]));
  assertEquals([...await runGraph(backend, graph, x, given)], a);
  assertEquals([...await runGraph(backend, graph, y, [[bias, b]])], b, "inputs that are not given are zeros");
  await assertRejects(() => runGraph(backend, graph, y, [[x, new Array(7).fill(0)]]), RangeError);
  await assertRejects(() => runGraph(backend, graph, new Graph().input("other", [1])), Error);
  assertEquals(backend.bytesInUse, before);
});
