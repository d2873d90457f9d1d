// Which models a command line names.
import type { NamedShape } from "../../lib/accounting/compare.ts";
import { GPT2_SHAPES, type ModelShape, validateShape } from "../../lib/accounting/shape.ts";
import { PRESETS } from "../../lib/model/config.ts";
import { UsageError, UserError } from "../cli/errors.ts";
import { requireInputFile } from "../cli/files.ts";
import { shown } from "../cli/shown.ts";

/** Names that `--model` and `--compare` take. GPT-2's may be given without `gpt2-`. */
export const MODEL_NAMES: readonly string[] = [...new Set([...Object.keys(GPT2_SHAPES), ...Object.keys(PRESETS)])];

/** Flags that replace a part of the named shape. */
export interface ShapeOverrides {
  readonly "vocab-size"?: number;
  readonly "context-length"?: number;
  readonly "d-model"?: number;
  readonly "num-layers"?: number;
  readonly "num-heads"?: number;
  readonly "d-ff"?: number;
  readonly ffn?: string;
  readonly "tie-embeddings": boolean;
}

/** @throws {UsageError} if there is no such model, or its vocabulary's size is not known. */
export function namedShape(name: string, overrides: ShapeOverrides): NamedShape {
  const gpt2: Readonly<Record<string, ModelShape>> = GPT2_SHAPES;
  const known: Readonly<Record<string, Partial<ModelShape>>> = PRESETS;
  const prefixed = `gpt2-${name}`;
  const [key, shape] = prefixed in gpt2 ? [prefixed, gpt2[prefixed]] : [name, gpt2[name] ?? known[name]];
  if (shape === undefined) {
    throw new UsageError(
      `Cannot run account: got model ${shown(name)}, must be one of ${
        MODEL_NAMES.join(", ")
      }. See: deno task account --help`,
    );
  }
  return { name: key, shape: withOverrides(shape, overrides, `model ${key}`) };
}

/**
 * Reads a run's config.json: `{ "model": …, "training": … }`, or a model's shape alone. What it does not know it ignores.
 * @throws {UserError} if it holds no shape.
 */
export async function readRunConfig(
  path: string,
  overrides: ShapeOverrides,
): Promise<NamedShape & { readonly batchSize?: number; readonly steps?: number }> {
  await requireInputFile(path);
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(
      `Cannot read ${path}: got a file that is not JSON, must be a run's config.json. Check the path`,
    );
  }
  const root = asRecord(json);
  const training = asRecord(root.training);
  const model = "model" in root ? asRecord(root.model) : root;
  return {
    name: path,
    shape: withOverrides(model, overrides, path),
    batchSize: asNumber(training.batchSize),
    steps: asNumber(training.steps),
  };
}

function withOverrides(given: object, overrides: ShapeOverrides, what: string): ModelShape {
  const base = asRecord(given);
  const dModel = overrides["d-model"] ?? asNumber(base.dModel);
  const shape = {
    ...base,
    vocabSize: overrides["vocab-size"] ?? asNumber(base.vocabSize),
    contextLength: overrides["context-length"] ?? asNumber(base.contextLength),
    dModel,
    numLayers: overrides["num-layers"] ?? asNumber(base.numLayers),
    numHeads: overrides["num-heads"] ?? asNumber(base.numHeads),
    dFf: overrides["d-ff"] ?? asNumber(base.dFf),
    ffn: overrides.ffn ?? base.ffn,
    tieEmbeddings: overrides["tie-embeddings"] || base.tieEmbeddings === true,
  };
  if (shape.vocabSize === undefined) {
    throw new UsageError(
      `Cannot run account: got no vocabulary size for ${what}, must be known. Pass --vocab-size N`,
    );
  }
  // The cast is checked in the same breath: validateShape looks at every key that is used.
  return validateShape(shape as ModelShape);
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function asNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
