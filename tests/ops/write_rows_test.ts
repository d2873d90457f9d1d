import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { logRow, writeRows } from "../../lib/ops/write_rows.ts";
import { forEachBackend } from "../harness/backends.ts";
import { runGraph } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";

forEachBackend("writeRows writes rows from a position on and leaves the others", async (backend) => {
  const sizes = [
    [1, 1, 1, 1, 0],
    [1, 1, 5, 3, 4],
    [2, 3, 7, 5, 2],
    [3, 7, 7, 9, 0],
    [2, 1, 65, 33, 63],
    [1, 129, 257, 65, 128],
    [1, 257, 259, 259, 1],
  ];
  for (const [B, T, S, W, start] of sizes) {
    const random = new Random(S);
    const x = random.normal(B * T * W);
    const before = random.normal(B * S * W);
    const { out } = await runGraph(backend, (trace) => {
      const out = trace.state("out", [B, S, W], before);
      const input = trace.input("x", [B, T, W], x);
      writeRows(trace.graph, input, trace.input("start", [1], Uint32Array.of(start)), out);
      return { out };
    });
    const expected = [...before];
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < T * W; i++) expected[(b * S + start) * W + i] = x[b * T * W + i];
    }
    assertEquals([...out], expected, `(${B}, ${T}, ${W}) into (${B}, ${S}, ${W}) at ${start}`);
  }
});

forEachBackend("writeRows writes each sequence's rows from its own position on", async (backend) => {
  for (const [B, T, S, W] of [[2, 1, 3, 1], [3, 2, 7, 5], [5, 1, 65, 33], [17, 3, 9, 31]]) {
    const random = new Random(S);
    const x = random.normal(B * T * W);
    const before = random.normal(B * S * W);
    const start = random.integers(B, S - T + 1);
    start[B - 1] = S - T;
    const { out } = await runGraph(backend, (trace) => {
      const out = trace.state("out", [B, S, W], before);
      writeRows(trace.graph, trace.input("x", [B, T, W], x), trace.input("start", [B], start), out);
      return { out };
    });
    const expected = [...before];
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < T * W; i++) expected[(b * S + start[b]) * W + i] = x[b * T * W + i];
    }
    assertEquals([...out], expected, `(${B}, ${T}, ${W}) into (${B}, ${S}, ${W}) at ${start}`);
  }
});

forEachBackend("logRow writes one row of a log", async (backend) => {
  const { log } = await runGraph(backend, (trace) => {
    const log = trace.state("log", [4, 2], new Float32Array(8).fill(9));
    const row = trace.input("row", [1], Uint32Array.of(2));
    logRow(trace.graph, trace.input("x", [2], Float32Array.of(5, -6)), row, log);
    return { log };
  });
  assertEquals([...log], [9, 9, 9, 9, 5, -6, 9, 9]);
});

Deno.test("writeRows and logRow refuse shapes that do not fit", () => {
  const graph = new Graph();
  const start = graph.input("start", [1], { dtype: "u32" });
  const tensor = (...shape: number[]) => new Tensor("t", shape);
  for (const out of [tensor(2, 2, 4), tensor(1, 5, 4), tensor(2, 5, 3), tensor(10, 4)]) {
    assertThrows(() => writeRows(graph, tensor(2, 3, 4), start, out), RangeError, "Cannot write rows");
  }
  const three = graph.input("three", [3], { dtype: "u32" });
  const refused = () => writeRows(graph, tensor(2, 3, 4), three, tensor(2, 5, 4));
  assertThrows(refused, RangeError, "must have shape (1), or (2) for one of each sequence");
  assertThrows(() => logRow(graph, tensor(2), start, tensor(4, 3)), RangeError, "must be (rows, 2)");
});
