import type { Backend } from "../backend/backend.ts";
import type { Batch } from "../dataset/batches.ts";
import { compile } from "../graph/compiled_graph.ts";
import { copy } from "../graph/copy.ts";
import { type Call, Graph, type Precision } from "../graph/graph.ts";
import { viewOf } from "../graph/program.ts";
import { Tensor } from "../graph/tensor.ts";
import { type LanguageModel, logitsOf } from "../model/language_model.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";

/** The first thing in a forward pass that is NaN or infinite. */
export interface ForwardOrigin {
  readonly kind: "weights" | "activations";
  /** The same in words, with the parameter's name. */
  readonly what: string;
}

/**
 * Looks for the first array of a forward pass that holds NaN or infinity, in the order of computation: each parameter
 * when it is first read, each result when it is written. It takes one sequence at a time, so that keeping every result
 * needs little memory.
 *
 * @param batch Sequences of `seqLen` tokens.
 * @returns `undefined` if everything is finite.
 */
export async function originInForward(
  backend: Backend,
  model: LanguageModel,
  batch: Batch,
  precision: Precision = "f32",
  seqLen: number = model.config.contextLength,
): Promise<ForwardOrigin | undefined> {
  const graph = new Graph({ precision });
  const ids = graph.input("ids", [1, seqLen], { dtype: "u32" });
  const targets = graph.input("targets", [1, seqLen], { dtype: "u32" });
  const loss = crossEntropy(graph, logitsOf("look for NaN", model, graph, ids), targets);
  const calls = [...graph.calls];
  const readable = readableOutputs(graph, calls);
  using compiled = await compile(backend, graph, { keep: [...readable.values()] });
  const isFinite = async (tensor: Tensor) => (await compiled.read(tensor)).every(Number.isFinite);
  for (let start = 0; start < batch.ids.length; start += seqLen) {
    compiled.set(ids, batch.ids.subarray(start, start + seqLen));
    compiled.set(targets, batch.targets.subarray(start, start + seqLen));
    await compiled.run();
    if (!await isFinite(loss)) {
      return await firstIn(calls, backend, model, (output) => isFinite(readable.get(output)!));
    }
  }
  return undefined;
}

/** Every result, by the array from which the host can read it: itself, or a copy in f32. */
function readableOutputs(graph: Graph, calls: readonly Call[]): ReadonlyMap<Tensor, Tensor> {
  return new Map(
    calls.flatMap(({ outputs }) => outputs).map((output) => {
      if (output.dtype !== "f16") return [output, output];
      const wide = new Tensor(output.name, output.shape);
      copy(graph, output, wide, false);
      return [output, wide];
    }),
  );
}

async function firstIn(
  calls: readonly Call[],
  backend: Backend,
  model: LanguageModel,
  isFinite: (output: Tensor) => Promise<boolean>,
): Promise<ForwardOrigin | undefined> {
  const parameters = new Set(model.parameters.parts.values());
  let newest: Tensor | undefined;
  for (const { kernel, inputs, outputs } of calls) {
    const parameter = inputs.find((tensor) => parameters.has(tensor));
    if (parameter) {
      const values = await backend.read(viewOf(parameter, parameter.placement!));
      const bad = values.length - values.filter(Number.isFinite).length;
      if (bad > 0) return { kind: "weights", what: `${parameter.name} (${bad} of ${values.length} values)` };
      newest = parameter;
    }
    for (const output of outputs) {
      if (await isFinite(output)) continue;
      const op = kernel.name.replace(/_forward$/, "");
      const where = parameter ? `${op} with ${parameter.name}` : newest ? `${op}, after ${newest.name}` : op;
      return { kind: "activations", what: `the output of ${where}` };
    }
  }
  return undefined;
}
