import type { Backend } from "../../lib/backend/backend.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { InputBlock } from "../../lib/graph/inputs.ts";
import { plan } from "../../lib/graph/plan.ts";
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
  const program = plan(graph, { keep: [logits] });
  const executable = await backend.load(program);
  model.writeConstants(backend);
  const block = new InputBlock(program);
  return async (context) => {
    block.integers(ids).fill(0).set(context);
    backend.write(block.view, block.words);
    await executable.run();
    const all = await backend.read(program.view(logits)) as Float32Array;
    return all.slice((context.length - 1) * vocabSize, context.length * vocabSize);
  };
}
