// Ops that move numbers about, in f16: what no other test of theirs runs, as wasm has none and the host reads none.
import { assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { backward } from "../../lib/graph/backward.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph, type Precision } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { concatenate } from "../../lib/ops/concatenate.ts";
import { permute } from "../../lib/ops/permute.ts";
import { reshape } from "../../lib/ops/reshape.ts";
import { slice } from "../../lib/ops/slice.ts";
import { halfTest, openGpu } from "../harness/gpu.ts";
import { Random } from "../harness/random.ts";

const SHAPE = [5, 6, 8];

/** All of the ops, one after another; x is taken twice, so that gradients are added to. */
function allOf(graph: Graph, x: Tensor): Tensor {
  const turned = permute(graph, x, [1, 0, 2]);
  const parts = concatenate(graph, [slice(graph, turned, 1, 1, 4), reshape(graph, x, [6, 5, 8])], 1);
  return broadcast(graph, reshape(graph, parts, [6, 1, 8, 8]), [6, 3, 8, 8]);
}

/** What they make of small whole numbers, which f16 holds exactly, and the gradient, of small ones too. */
async function resultsIn(precision: Precision, backend: Backend): Promise<number[][]> {
  const graph = new Graph({ precision });
  const random = new Random(3);
  // The host reads and writes f32 alone.
  const given = graph.input("given", SHAPE);
  const x = new Tensor("x", SHAPE, { dtype: precision === "f16" ? "f16" : "f32", requiresGrad: true });
  copy(graph, given, x, false);
  const y = allOf(graph, x);
  const upstream = graph.input("upstream", y.shape);
  const dY = new Tensor("dY", y.shape, { dtype: y.dtype });
  copy(graph, upstream, dY, false);
  const dX = backward(graph, y, dY).of(x)!;
  assertEquals([y.dtype, dX.dtype], [precision, precision]);

  const results = [y, dX].map((tensor) => {
    const result = new Tensor(`${tensor.name} in f32`, tensor.shape);
    copy(graph, tensor, result, false);
    return result;
  });
  using compiled = await compile(backend, graph, { keep: results });
  compiled.set(given, random.integers(given.size, 2000)).set(upstream, random.integers(upstream.size, 100));
  await compiled.run();
  return await Promise.all(results.map(async (result) => [...await compiled.read(result)]));
}

halfTest("layout ops in f16 give what they give in f32, and so do their gradients", async () => {
  await using wasm = await createWasmBackend({ workers: 1 });
  await using gpu = await openGpu();
  assertEquals(await resultsIn("f16", gpu), await resultsIn("f32", wasm));
});
