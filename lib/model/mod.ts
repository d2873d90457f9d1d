/**
 * Language models: the Transformer with its configuration, weights and weights files; generation; and the interface for
 * models of your own.
 *
 * @example The parameters of a model, as its checkpoints name them
 * ```ts
 * import { parameterSpecs, PRESETS } from "@bytelm/bytelm/model";
 *
 * for (const { name, shape } of parameterSpecs({ ...PRESETS.tiny, vocabSize: 1000 })) console.log(name, shape);
 * ```
 *
 * @example Your own architecture: train it, save it, resume it, score it and generate text
 * ```ts
 * import {
 *   type Backend,
 *   createBackend,
 *   TextGenerator,
 *   type LanguageModel,
 *   latestCheckpoint,
 *   recordOf,
 *   scoreTokens,
 *   tokensInMemory,
 *   trainRun,
 *   TRAINING_DEFAULTS,
 * } from "@bytelm/bytelm";
 * import type { Graph, Tensor } from "@bytelm/bytelm/graph";
 * import { ParameterLayout } from "@bytelm/bytelm/model";
 * import { add, attention, embedding, linear, rmsnorm, swiglu } from "@bytelm/bytelm/ops";
 *
 * // One layer of attention; its output passes a gate before it is added to the residual stream.
 * class Gated implements LanguageModel {
 *   readonly config = { architecture: "gated", vocabSize: 11, contextLength: 12, width: 16, numHeads: 2 };
 *   readonly parameters = new ParameterLayout("parameters", [
 *     { name: "token_embeddings.weight", shape: [11, 16] },
 *     { name: "norm.weight", shape: [16] },
 *     ...["q", "k", "v", "gate"].map((name) => ({ name: `${name}.weight`, shape: [16, 16] })),
 *     { name: "lm_head.weight", shape: [11, 16] },
 *   ], true);
 *
 *   forward(graph: Graph, ids: Tensor): Tensor {
 *     const weight = (name: string) => this.parameters.part(`${name}.weight`);
 *     // An input that nobody writes is zero: every sequence starts at position 0.
 *     const start = graph.input("start", [1], { dtype: "u32" });
 *     const x = embedding(graph, ids, weight("token_embeddings")); // (batch, seqLen, 16)
 *     const normed = rmsnorm(graph, x, weight("norm"), 1e-5);
 *     const [q, k, v, gate] = ["q", "k", "v", "gate"].map((name) => linear(graph, normed, weight(name)));
 *     const mixed = attention(graph, q, k, v, this.config.numHeads, start);
 *     return linear(graph, add(graph, x, swiglu(graph, gate, mixed)), weight("lm_head"));
 *   }
 *
 *   release(backend: Backend): void {
 *     this.parameters.release(backend);
 *   }
 * }
 *
 * await using backend = await createBackend("wasm", { workers: 1 });
 * const model = new Gated();
 * const tokens = tokensInMemory(Uint32Array.from({ length: 600 }, (_, i) => (i * i) % 11));
 * const directory = await Deno.makeTempDir();
 * const config = {
 *   model: model.config,
 *   training: { ...TRAINING_DEFAULTS, steps: 12, batchSize: 4, lr: 1e-2, saveEvery: 4 },
 *   data: { train: await recordOf(tokens) },
 *   backend: backend.name,
 * };
 * const run = { backend, directory, config, model, train: tokens };
 * for await (const { step } of trainRun(run)) if (step === 5) break; // as if the process had ended here
 * const { checkpoint } = await latestCheckpoint(`${directory}/checkpoints`);
 * for await (const { step, loss } of trainRun({ ...run, checkpoint })) console.log(step, loss); // from step 4 on
 *
 * const score = await scoreTokens(backend, model, tokens);
 * console.log(score.nats / score.tokens);
 * using generator = await TextGenerator.create(backend, model);
 * const ids = generator.generate([0, 1, 4], { maxTokens: 8, temperature: 0.8, topP: 0.95, seed: 0 });
 * console.log(await Array.fromAsync(ids));
 * await Deno.remove(directory, { recursive: true });
 * ```
 *
 * @module
 */
export type { LinearRopeScaling, Llama3RopeScaling, RopeScaling, YarnRopeScaling } from "./architecture.ts";
export { type Architecture, type ModelConfig, type Preset, PRESETS, validateModelConfig } from "./config.ts";
export type { ContinuationOptions } from "../generate/continuation.ts";
export { GeneratedText, type GeneratedTextOptions } from "../generate/generated_text.ts";
export { type GenerateOptions, type GeneratorOptions, TextGenerator } from "../generate/generator.ts";
export type { KvCache } from "./kv_cache.ts";
export type { ForwardOptions, LanguageModel, LanguageModelConfig, TrainingDropout } from "./language_model.ts";
export { adapterSpecs, initialAdapters, type LoraOptions, mergedWeights, withAdapters } from "./lora.ts";
export { ParameterLayout, type ParameterSpec, parameterSpecs } from "./parameters.ts";
export { Safetensors, type TensorData, type TensorToWrite, writeSafetensors } from "../formats/safetensors.ts";
export type { TensorEntry } from "../formats/safetensors_header.ts";
export {
  NoTokenError,
  penalizeRepetition,
  sampleToken,
  type SamplingOptions,
  validateSampling,
} from "../generate/sampling.ts";
export { untilStopString } from "../generate/text_stream.ts";
export { Transformer, type TransformerOptions } from "./transformer.ts";
export { initialWeights, type InitialWeightsOptions, readWeight, type WeightSource, writeWeights } from "./weights.ts";
export { saveWeights, weightsFrom } from "./weights_file.ts";
export { Philox } from "../random/philox.ts";
