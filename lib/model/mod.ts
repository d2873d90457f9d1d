/**
 * The Transformer: its configuration, its weights and their files, and the tokens that it generates.
 *
 * @example The parameters of a model, as its checkpoints name them
 * ```ts
 * import { parameterSpecs, PRESETS } from "@bytelm/bytelm/model";
 *
 * for (const { name, shape } of parameterSpecs({ ...PRESETS.tiny, vocabSize: 1000 })) console.log(name, shape);
 * ```
 *
 * @module
 */
export { type Architecture, type ModelConfig, type Preset, PRESETS, validateModelConfig } from "./config.ts";
export type { ContinuationOptions } from "./continuation.ts";
export { GeneratedText, type GeneratedTextOptions } from "./generated_text.ts";
export { type GenerateOptions, type GeneratorOptions, TextGenerator } from "./generator.ts";
export type { KvCache } from "./kv_cache.ts";
export { ParameterLayout, type ParameterSpec, parameterSpecs } from "./parameters.ts";
export { Safetensors, type TensorData, type TensorToWrite, writeSafetensors } from "./safetensors.ts";
export type { TensorEntry } from "./safetensors_header.ts";
export { NoTokenError, penalizeRepetition, sampleToken, type SamplingOptions, validateSampling } from "./sampling.ts";
export { untilStopString } from "./text_stream.ts";
export { type ForwardOptions, Transformer } from "./transformer.ts";
export { initialWeights, readWeight, type WeightSource, writeWeights } from "./weights.ts";
export { saveWeights, weightsFrom } from "./weights_file.ts";
export { Philox } from "../random/philox.ts";
