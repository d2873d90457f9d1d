/**
 * bytelm: from raw text to a language model, in TypeScript on Deno.
 *
 * This module has what most programs start with. The rest is in `./tokenizer`, `./corpus`, `./backend`, `./graph`,
 * `./ops`, `./model`, `./train`, `./evaluate`, `./interchange` and `./accounting`.
 *
 * @example Train a tokenizer and a small model, then generate text
 * ```ts
 * import {
 *   createBackend,
 *   GeneratedText,
 *   TextGenerator,
 *   initialWeights,
 *   PRESETS,
 *   tokensInMemory,
 *   train,
 *   trainBpe,
 *   TRAINING_DEFAULTS,
 *   Transformer,
 * } from "./mod.ts";
 *
 * const text = "the cat sat on the mat, the dog sat on the log. ".repeat(50);
 * const tokenizer = await trainBpe(text, { vocabSize: 265 });
 * const model = new Transformer({ ...PRESETS.tiny, vocabSize: tokenizer.vocabSize, contextLength: 16, numLayers: 1 });
 * await using backend = await createBackend("wasm");
 * const steps = train({
 *   backend,
 *   model,
 *   config: { ...TRAINING_DEFAULTS, steps: 3, batchSize: 4 },
 *   weights: initialWeights(model.config, 0),
 *   train: tokensInMemory(tokenizer.encode(text)),
 * });
 * for await (const { step, loss } of steps) console.log(step, loss);
 *
 * using generator = await TextGenerator.create(backend, model);
 * const ids = generator.generate(tokenizer.encode("the cat"), { maxTokens: 5 });
 * console.log(await new GeneratedText(ids, tokenizer));
 * ```
 *
 * @module
 */

export { OptionError, UserError } from "./lib/errors.ts";

// Tokenizer
export {
  createTokenizer,
  type LoadOptions,
  loadTokenizer,
  saveTokenizer,
  Tokenizer,
  trainBpe,
  type TrainBpeOptions,
} from "./lib/tokenizer/mod.ts";

// Text and tokens
export { fetchDataset, openTokens, readNpy, requireVocabulary } from "./lib/corpus/mod.ts";
export { tokensInMemory, type TokenSource, writeNpy } from "./lib/corpus/mod.ts";

// Where it runs
export { type Backend, type BackendChoice, createBackend, type CreateBackendOptions } from "./lib/backend/mod.ts";

// Model
export { type LanguageModel, type LanguageModelConfig } from "./lib/model/mod.ts";
export { type ModelConfig, PRESETS, Transformer } from "./lib/model/mod.ts";
export { initialWeights, Safetensors, saveWeights, weightsFrom, writeWeights } from "./lib/model/mod.ts";

// Generation
export { GeneratedText, type GenerateOptions, TextGenerator, untilStopString } from "./lib/model/mod.ts";
export { LoadedModel, loadModel, type LoadModelOptions } from "./lib/train/mod.ts";

// Training
export { type StepMetrics, train, TRAINING_DEFAULTS, type TrainingConfig, type TrainOptions } from "./lib/train/mod.ts";
export { latestCheckpoint, readMetrics, resumeRun, type ResumeRunOptions } from "./lib/train/mod.ts";
export { createRunDirectory, trainRun, type TrainRunOptions } from "./lib/train/mod.ts";
export { mergeConfigs, readModelConfig, readRunConfig, recordOf, type RunConfig } from "./lib/train/mod.ts";
export { findWeights, RUN_FILES, writeRunConfig } from "./lib/train/mod.ts";

// Evaluation
export { type Score, type ScoreOptions, scoreTokens } from "./lib/evaluate/mod.ts";
