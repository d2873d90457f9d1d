// Which models a command line names.
import type { NamedShape } from "../../lib/accounting/compare.ts";
import { type ModelShape, validateShape } from "../../lib/accounting/shape.ts";
import { countFixedBatches } from "../../lib/dataset/batches.ts";
import { JsonFields } from "../../lib/io/json_fields.ts";
import { readFields } from "../../lib/io/json_record.ts";
import { type Architecture, PRESETS } from "../../lib/model/config.ts";
import { MODEL_READERS } from "../../lib/model/config_fields.ts";
import type { TrainingConfig } from "../../lib/train/config.ts";
import { dataRecordOf } from "../../lib/run/data_record.ts";
import type { OptimizerName } from "../../lib/train/optimizer/registry.ts";
import { DEFAULT_PRESET, mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { UsageError } from "../cli/errors.ts";
import { requireInputFile } from "../cli/files.ts";
import { oneOf } from "../cli/nearest.ts";
import { shown } from "../cli/shown.ts";

/** Names that `--model` and `--compare` take. */
export const MODEL_NAMES: readonly string[] = Object.keys(PRESETS);

/** Flags that replace a part of the named shape. */
export interface ShapeOverrides {
  readonly "vocab-size"?: number;
  readonly "context-length"?: number;
  readonly "d-model"?: number;
  readonly "num-layers"?: number;
  readonly "num-heads"?: number;
  readonly "num-key-value-heads"?: number;
  readonly "d-ff"?: number;
  readonly ffn?: Architecture["ffn"];
  readonly "tie-embeddings": boolean;
}

/** @throws {UsageError} If there is no such model, or its vocabulary's size is not known. */
export function namedShape(name: string, overrides: ShapeOverrides): NamedShape {
  const shape: Partial<ModelShape> | undefined = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (shape === undefined) {
    // Without its beginning, GPT-2's name is that of another model in the benches.
    const whole = `gpt2-${name}`;
    const mustBe = Object.hasOwn(PRESETS, whole) ? `a known one (did you mean ${whole}?)` : oneOf(name, MODEL_NAMES);
    throw new UsageError(
      `Cannot run account: got model ${shown(name)}, must be ${mustBe}. See: deno task account --help`,
    );
  }
  return { name, shape: withOverrides(shape, overrides, `model ${name}`) };
}

/** The parts of a configuration that flags give. */
export interface RunOverrides extends ShapeOverrides {
  readonly "batch-size"?: number;
  readonly "grad-accumulation"?: number;
  readonly optimizer?: OptimizerName;
  readonly steps?: number;
}

/** A model and, where a file tells how it is trained, that. */
export interface ConfiguredModel extends NamedShape {
  readonly training?: TrainingConfig;
  /** Of a run that validates. */
  readonly validation?: { readonly every: number; readonly batches: number };
}

/**
 * Reads a configuration as train-lm does, a run's config.json being one, with the flags over it; or a model's shape alone.
 * @throws {UserError} If it holds no shape, or anything that means nothing.
 */
export async function readConfigured(path: string, overrides: RunOverrides): Promise<ConfiguredModel> {
  await requireInputFile(path);
  const source = { name: path, nextStep: "Name a config.json" };
  const root = JsonFields.parse(await Deno.readTextFile(path), source);
  if (root.has("vocabSize") || root.has("dModel")) {
    return { name: path, shape: withOverrides(readFields(root, MODEL_READERS), overrides, path) };
  }
  const parts = await readConfigFile(path);
  const preset = PRESETS[parts.preset ?? DEFAULT_PRESET];
  requireVocabSize(overrides["vocab-size"] ?? parts.model?.vocabSize ?? preset.vocabSize, path);
  const given = (names: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
  const { model, training } = mergeConfigs([parts, {
    model: given({
      vocabSize: overrides["vocab-size"],
      contextLength: overrides["context-length"],
      dModel: overrides["d-model"],
      numLayers: overrides["num-layers"],
      numHeads: overrides["num-heads"],
      numKeyValueHeads: overrides["num-key-value-heads"],
      dFf: overrides["d-ff"],
      ffn: overrides.ffn,
      tieEmbeddings: overrides["tie-embeddings"] || undefined,
    }),
    training: given({
      batchSize: overrides["batch-size"],
      gradAccumulation: overrides["grad-accumulation"],
      optimizer: overrides.optimizer,
      steps: overrides.steps,
    }),
  }]);
  const valid = root.objectOrNone("data")?.objectOrNone("valid");
  if (valid === undefined) return { name: path, shape: model, training };
  const window = { seqLen: model.contextLength, batchSize: training.batchSize };
  const batches = countFixedBatches({ length: dataRecordOf(valid).tokens }, window, training.validBatches);
  // A longer context than the run's may leave none.
  const validation = { every: training.validEvery, batches: Math.max(0, batches) };
  return { name: path, shape: model, training, validation };
}

function withOverrides(base: Partial<ModelShape>, overrides: ShapeOverrides, what: string): ModelShape {
  const shape = {
    ...base,
    vocabSize: overrides["vocab-size"] ?? base.vocabSize,
    contextLength: overrides["context-length"] ?? base.contextLength,
    dModel: overrides["d-model"] ?? base.dModel,
    numLayers: overrides["num-layers"] ?? base.numLayers,
    numHeads: overrides["num-heads"] ?? base.numHeads,
    numKeyValueHeads: overrides["num-key-value-heads"] ?? base.numKeyValueHeads,
    dFf: overrides["d-ff"] ?? base.dFf,
    ffn: overrides.ffn ?? base.ffn,
    tieEmbeddings: overrides["tie-embeddings"] || base.tieEmbeddings === true,
  };
  requireVocabSize(shape.vocabSize, what);
  // The cast is checked in the same breath: validateShape looks at every key that is used.
  return validateShape(shape as ModelShape);
}

function requireVocabSize(vocabSize: number | undefined, what: string): void {
  if (vocabSize !== undefined) return;
  throw new UsageError(
    `Cannot run account: got no vocabulary size for ${what}, must be known. Pass --vocab-size N`,
  );
}
