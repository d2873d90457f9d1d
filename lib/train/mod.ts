/**
 * Training: a single step, a whole run with its directory, a sweep of runs, and reports about them.
 *
 * @example The learning rate over the course of a run
 * ```ts
 * import { learningRate } from "@bytelm/bytelm/train";
 *
 * const schedule = { schedule: "wsd", lr: 1e-3, minLr: 0, warmupSteps: 10, decaySteps: 20, steps: 100 } as const;
 * for (const step of [0, 5, 10, 50, 90]) console.log(step, learningRate(step, schedule));
 * ```
 *
 * @module
 */

// Steps
export { adamw, type AdamWOptions, adamwSchedule, type AdamWTensors } from "./optimizer/adamw.ts";
export { muon, type MuonOptions, type MuonTensors } from "./optimizer/muon.ts";
export { newtonSchulz } from "./optimizer/newton_schulz.ts";
export { clipGradNorm } from "./optimizer/clip_grad_norm.ts";
export { LOSS_SCALE_DEFAULTS, LossScale, type LossScaleOptions, type ToldOptimizer } from "./optimizer/loss_scale.ts";
export {
  cosineLearningRate,
  type CosineSchedule,
  learningRate,
  type ScheduleName,
  type ScheduleOptions,
} from "./schedule.ts";
export { sgd, type SgdOptions, type SgdTensors } from "./optimizer/sgd.ts";
export { type StepResult, Trainer, type TrainerOptions } from "./trainer.ts";
export {
  type Length,
  type Progress,
  type Snapshot,
  type StartingPoint,
  type StepMetrics,
  train,
  type TrainOptions,
} from "./train.ts";
export { type Divergence, DivergenceError, type DivergenceOrigin, type DivergenceSettings } from "./divergence.ts";
export { averageRate, WeightAverage, type WeightAverageOptions } from "./weight_average.ts";
export { Sampler } from "./sampler.ts";
export { TensorOptimizer, type TensorOptimizerOptions, type UpdateResult } from "./tensor_optimizer.ts";
export type { OwnTensor } from "./own_tensors.ts";
export { type KernelFault, selfTest, type SelfTestOptions } from "../self_test/self_test.ts";
export type { Probe, ProbeInput } from "../self_test/self_test_probes.ts";

// Optimizers
export { type OptimizerDefinition, type UpdateItem, type UpdateTensors } from "./optimizer/definition.ts";
export type { Frozen } from "./optimizer/frozen.ts";
export type { OptimizerOptions, ParameterGroup } from "./optimizer/groups.ts";
export { meanDecay, nonNegativeNumber, type NumberOption, positiveNumber } from "./optimizer/number_option.ts";
export { createOptimizers, type Optimizer } from "./optimizer/optimizers.ts";
export { type OptimizerName, type OptimizerNumbers, OPTIMIZERS } from "./optimizer/registry.ts";
export { biasCorrection, LEARNING_RATE, type ScheduleEntry } from "./optimizer/schedule_entry.ts";

// Configuration
export { TRAINING_DEFAULTS, type TrainingConfig, validateTrainingConfig } from "./config.ts";
export { type ConfigParts, mergeConfigs, type MergedConfig, readConfigFile } from "../run/merge_config.ts";
export { type Recipe, type RecipeName, RECIPES } from "../run/recipes.ts";
export { planForTime, type TimePlan, type TimePlanOptions } from "../run/plan_for_time.ts";
export { requireRoom, type RoomConfig, type RoomOptions } from "../run/require_room.ts";
export {
  type Candidate,
  type Choice,
  chooseCandidate,
  chooseSteps,
  estimateSeconds,
  type Intervals,
  type Resources,
  type RunCosts,
  stepsWithin,
} from "../run/time_budget.ts";

// Runs
export {
  type BestValidation,
  type Checkpoint,
  type CheckpointState,
  CheckpointTensors,
  type DamagedCheckpoint,
  latestCheckpoint,
  listCheckpoints,
  readCheckpoint,
  writeCheckpoint,
} from "../run/checkpoint.ts";
export { type DataRecord, recordOf, requireSameData } from "../run/data_record.ts";
export { MetricsFollower, readLog, readMetrics, type RunLog } from "../run/metrics_follower.ts";
export type { LoggedDivergence } from "../run/metrics_line.ts";
export { missingSteps } from "../run/metrics_log.ts";
export { resumeRun, type ResumeRunOptions } from "../run/resume_run.ts";
export { trainRun, type TrainRunOptions } from "../run/run.ts";
export {
  createRunDirectory,
  findWeights,
  NoWeightsError,
  readModelConfig,
  readRunConfig,
  RUN_FILES,
  type RunConfig,
  type WhichWeights,
  writeRunConfig,
} from "../run/run_directory.ts";
export { type OriginFile, originOf, type OriginOptions, OriginTensors, type RunOrigin } from "../run/run_origin.ts";
export { FREE_SETTINGS, type FreeSettings, withSettings } from "../run/free_settings.ts";
export { loadRun, type RunModel } from "../run/load_run.ts";
export {
  type GenerateTextOptions,
  type LoadableModel,
  LoadedModel,
  loadModel,
  type LoadModelOptions,
} from "../run/loaded_model.ts";
export { loadRunTokenizer } from "../run/run_tokenizer.ts";

// Sweeps
export { type StartedRun, sweep, type SweepOptions, type SweepRun } from "../run/sweep.ts";
export { type SweepAxes, sweepGrid, type SweepPoint } from "../run/sweep_grid.ts";
export { bestResult, readResults, type SweepResult, sweepTable } from "../run/sweep_results.ts";

// Reports
export {
  type LiveReport,
  type PlotLibrary,
  type ReportContent,
  reportContent,
  reportHtml,
  type ReportOptions,
  type ReportRun,
} from "../report/report.ts";
export type { SweepAxis } from "../report/report_axes.ts";
export type { Plot, PlotField, PlotLine, PlotPoints, RunPlots } from "../report/report_plots.ts";
export type { Html } from "../io/markup.ts";
export { measureLimits } from "../measure/limits.ts";
export { type MeasuredPeak, measurePeak, Peak } from "../measure/peak.ts";
export { predictModel } from "./predict_model.ts";
