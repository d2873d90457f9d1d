import type { Backend } from "../../lib/backend/backend.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { Graph } from "../../lib/graph/graph.ts";
import type { Transformer } from "../../lib/model/transformer.ts";

/** The logits after a context, by a whole forward pass without a cache, over the context padded at its end. */
export async function fullForward(
  backend: Backend,
  model: Transformer,
): Promise<(context: readonly number[]) => Promise<Float32Array>> {
  const { contextLength, vocabSize } = model.config;
  const graph = new Graph();
  const ids = graph.input("ids", [1, contextLength], { dtype: "u32" });
  const logits = model.forward(graph, ids);
  const compiled = await compile(backend, graph, { keep: [logits] });
  return async (context) => {
    compiled.input(ids).fill(0);
    await compiled.set(ids, context).run();
    const all = await compiled.readFloats(logits);
    return all.slice((context.length - 1) * vocabSize, context.length * vocabSize);
  };
}
