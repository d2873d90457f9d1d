/**
 * bytelm: from raw text to a language model, in TypeScript on Deno.
 *
 * @example Train a tokenizer and a small model, and let it speak
 * ```ts
 * import {
 *   createBackend,
 *   Generator,
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
 * using generator = await Generator.create(backend, model);
 * const prompt = [...tokenizer.encode("the cat")];
 * const ids = generator.generate(prompt, { maxTokens: 5, temperature: 0.8, topP: 0.95, seed: 0 });
 * console.log(tokenizer.decode(await Array.fromAsync(ids)));
 * ```
 *
 * @module
 */

export { OptionError, UserError } from "./lib/errors.ts";
export { PathExistsError } from "./lib/io/rename_to_new.ts";

// Tokenizer
export { type EncodeOptions, type Ids, TextEncoding, type TextSource, Tokenizer } from "./lib/tokenizer/mod.ts";
export { type LoadOptions, loadTokenizer, saveTokenizer, trainBpe, type TrainBpeOptions } from "./lib/tokenizer/mod.ts";
export type { PatternName, SpecialToken } from "./lib/tokenizer/mod.ts";
export { type CountedText, countTexts, type CountTextsOptions, type Texts } from "./lib/tokenizer/mod.ts";
export { addCounts, formatCounts, parseCounts, trainBpeFromCounts } from "./lib/tokenizer/mod.ts";
export { formatTiktoken, longestTokens, MergeHistory, type MergeTree, parseTiktoken } from "./lib/tokenizer/mod.ts";

// Text from files, and datasets
export { CATALOG, type DatasetName } from "./lib/dataset/catalog.ts";
export { encodeParts, type EncodePartsOptions, encodePartsToNpy, wholeInputs } from "./lib/dataset/encode_parts.ts";
export { encodeShards, type EncodeShardsOptions } from "./lib/dataset/encode_shards.ts";
export { type DatasetFile, fetchDataset, type FetchDatasetOptions } from "./lib/dataset/fetch_dataset.ts";
export { type DocumentOptions, documentsOf } from "./lib/dataset/documents.ts";
export { splitDocuments, type SplitDocumentsOptions, type SplitResult } from "./lib/dataset/split_documents.ts";
export { expandInputs, type ExpandInputsOptions, type InputReport } from "./lib/dataset/expand_inputs.ts";
export { type ReadTextOptions, type TextInput, textSourceOf } from "./lib/dataset/text_inputs.ts";

// Token files and batches
export {
  type Batch,
  type BatchShape,
  fixedBatches,
  randomBatch,
  requireVocabulary,
  requireWindow,
} from "./lib/dataset/batches.ts";
export { NpyReader, NpyWriter, readNpy, writeNpy } from "./lib/dataset/npy_file.ts";
export { type TextRecord, type TokenProvenance, writeProvenance } from "./lib/dataset/provenance.ts";
export type { ShardIndex } from "./lib/dataset/shard_index.ts";
export { openTokens, ShardedTokens } from "./lib/dataset/sharded_tokens.ts";
export { splitText } from "./lib/dataset/split.ts";
export { tokensInMemory, type TokenSource } from "./lib/dataset/token_source.ts";
export { identifyTokenizer, requireOneTokenizer, type TokenizerId } from "./lib/dataset/tokenizer_id.ts";

// Graph: record, differentiate, plan
export { backward, type BackwardOptions, Gradients } from "./lib/graph/backward.ts";
export { type BackwardRule, Graph, type GraphOptions, type Precision } from "./lib/graph/graph.ts";
export { compile, CompiledGraph } from "./lib/graph/compiled_graph.ts";
export { defineKernel, type Kernel, type KernelFlops, type KernelTry, type KernelWrite } from "./lib/graph/kernel.ts";
export { plan, type PlanOptions } from "./lib/graph/plan.ts";
export { Program, viewOf, wholeOf } from "./lib/graph/program.ts";
export { Storage, Tensor, type View } from "./lib/graph/tensor.ts";

// Ops
export { add } from "./lib/ops/add.ts";
export { attention } from "./lib/ops/attention.ts";
export { crossEntropy } from "./lib/ops/cross_entropy.ts";
export { embedding } from "./lib/ops/embedding.ts";
export { linear } from "./lib/ops/linear.ts";
export { rmsnorm } from "./lib/ops/rmsnorm.ts";
export { rope, ropeAngles, type RopeTables } from "./lib/ops/rope.ts";
export { silu } from "./lib/ops/silu.ts";
export { softmax } from "./lib/ops/softmax.ts";
export { swiglu } from "./lib/ops/swiglu.ts";

// Backends
export type { Backend, Executable, HostArray } from "./lib/backend/backend.ts";
export type { GpuSource } from "./lib/backend/webgpu/adapter.ts";
export { type BackendChoice, chooseBackend, createBackend, type CreateBackendOptions } from "./lib/backend/select.ts";

// Model
export { type Architecture, type ModelConfig, type Preset, PRESETS, validateModelConfig } from "./lib/model/config.ts";
export type { ContinuationOptions } from "./lib/model/continuation.ts";
export { type GenerateOptions, Generator, type GeneratorOptions } from "./lib/model/generator.ts";
export { ParameterLayout, type ParameterSpec, parameterSpecs } from "./lib/model/parameters.ts";
export { Safetensors, type TensorToWrite, writeSafetensors } from "./lib/model/safetensors.ts";
export {
  NoTokenError,
  penalizeRepetition,
  sampleToken,
  type SamplingOptions,
  validateSampling,
} from "./lib/model/sampling.ts";
export { untilStopString } from "./lib/model/text_stream.ts";
export { type ForwardOptions, Transformer } from "./lib/model/transformer.ts";
export { initialWeights, readWeight, type WeightSource, writeWeights } from "./lib/model/weights.ts";
export { saveWeights, weightsFrom } from "./lib/model/weights_file.ts";
export { Philox } from "./lib/random/philox.ts";

// Training
export { adamw, type AdamWOptions, adamwSchedule, type AdamWTensors } from "./lib/train/adamw.ts";
export { clipGradNorm } from "./lib/train/clip_grad_norm.ts";
export { LOSS_SCALE_DEFAULTS, LossScale, type LossScaleOptions } from "./lib/train/loss_scale.ts";
export {
  type BestValidation,
  type Checkpoint,
  type CheckpointState,
  CheckpointTensors,
  latestCheckpoint,
  listCheckpoints,
  readCheckpoint,
  writeCheckpoint,
} from "./lib/train/checkpoint.ts";
export { TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "./lib/train/config.ts";
export { type DataRecord, recordOf, requireSameData } from "./lib/train/data_record.ts";
export { DivergenceError } from "./lib/train/divergence.ts";
export { Evaluator } from "./lib/train/evaluator.ts";
export { type ConfigParts, mergeConfigs, type MergedConfig, readConfigFile } from "./lib/train/merge_config.ts";
export { MetricsFollower, readLog, readMetrics, type RunLog } from "./lib/train/metrics_follower.ts";
export type { LoggedDivergence } from "./lib/train/metrics_line.ts";
export { planForTime, type TimePlan, type TimePlanOptions } from "./lib/train/plan_for_time.ts";
export { createOptimizer, type Optimizer, type OptimizerOptions } from "./lib/train/optimizer.ts";
export type { Html } from "./lib/io/markup.ts";
export {
  type LiveReport,
  type PlotLibrary,
  type ReportContent,
  reportContent,
  reportHtml,
  type ReportRun,
} from "./lib/train/report.ts";
export { requireRoom, type RoomOptions } from "./lib/train/require_room.ts";
export { trainRun, type TrainRunOptions } from "./lib/train/run.ts";
export {
  createRunDirectory,
  findWeights,
  readModelConfig,
  readRunConfig,
  RUN_FILES,
  type RunConfig,
  writeRunConfig,
} from "./lib/train/run_directory.ts";
export { loadRunTokenizer } from "./lib/train/run_tokenizer.ts";
export { Sampler } from "./lib/train/sampler.ts";
export { cosineLearningRate, type CosineSchedule, learningRate, type ScheduleOptions } from "./lib/train/schedule.ts";
export { type Score, type ScoreOptions, scoreTokens } from "./lib/train/score.ts";
export { type KernelFault, selfTest, type SelfTestOptions } from "./lib/train/self_test.ts";
export { sgd, type SgdOptions, type SgdTensors } from "./lib/train/sgd.ts";
export { type Snapshot, type StartingPoint, type StepMetrics, train, type TrainOptions } from "./lib/train/train.ts";
export { type StepResult, Trainer, type TrainerOptions } from "./lib/train/trainer.ts";

export { type StartedRun, sweep, type SweepOptions, type SweepRun } from "./lib/train/sweep.ts";
export { type SweepAxes, sweepGrid, type SweepPoint } from "./lib/train/sweep_grid.ts";
export { bestResult, readResults, type SweepResult, sweepTable } from "./lib/train/sweep_results.ts";
export {
  type Candidate,
  chooseCandidate,
  chooseSteps,
  estimateSeconds,
  type Resources,
  type RunCosts,
  stepsWithin,
} from "./lib/train/time_budget.ts";

// Memorisation
export { drawSamples, type DrawSamplesOptions } from "./lib/memorisation/draw_samples.ts";
export { drawExcerpts, readBlocks } from "./lib/memorisation/excerpts.ts";
export {
  measureMemorisation,
  type MemorisationOptions,
  type MemorisationReport,
  type OverlapSummary,
} from "./lib/memorisation/measure.ts";
export { type Overlap, OverlapFinder } from "./lib/memorisation/overlaps.ts";
export { SharedWindows, type WindowCount } from "./lib/memorisation/shared_windows.ts";

// What a device can do
export { measureLimits } from "./lib/measure/limits.ts";
export { type MeasuredPeak, measurePeak, Peak } from "./lib/measure/peak.ts";

// Accounting
export { type DeviceName, DEVICES } from "./lib/accounting/devices.ts";
export { countProgram, programMemory } from "./lib/accounting/program.ts";
export type { MachineLimits } from "./lib/accounting/roofline.ts";
export { type Account, account, type AccountRequest } from "./lib/accounting/report.ts";
export { formatAccount } from "./lib/accounting/report_text.ts";
export { GPT2_SHAPES, type ModelShape } from "./lib/accounting/shape.ts";
export {
  measureTraining,
  predictTraining,
  type TrainingMeasurement,
  type TrainingPrediction,
} from "./lib/accounting/training_summary.ts";
export { modelFlopsUtilisation } from "./lib/accounting/time.ts";
