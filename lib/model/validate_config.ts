import { option, OptionError, say, type Wording } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { isSoftCap, SOFT_CAP } from "../ops/soft_cap.ts";
import { ARCHITECTURE_CHOICES, valueEmbeddingLayers, withDefaults } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import { parameterSpecs, sizeOf } from "./parameters.ts";
import { validateRopeScaling } from "./rope_scaling.ts";

/** Kernels count elements with 32 bits, and all parameters lie in one array. */
const MAX_ELEMENTS = 2 ** 32 - 1;

/** Each layer is traced separately. More than any model ever trained, and still done in seconds. */
const MAX_LAYERS = 10_000;

/**
 * Checks a configuration.
 * @returns It, unchanged.
 * @throws {OptionError} If a value cannot work, naming the first one and what it must be.
 */
export function validateModelConfig(config: ModelConfig): ModelConfig {
  const got = (key: keyof ModelConfig) => say`got ${option(key)} ${excerpt(config[key])}`;
  const counts = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;
  const optionalCounts = ["numKeyValueHeads", "headDim", "rotaryDim", "slidingWindow"] as const;
  for (const key of [...counts, ...optionalCounts.filter((key) => config[key] !== undefined)]) {
    if (!Number.isSafeInteger(config[key]) || config[key]! < 1) {
      throw new OptionError(say`Cannot build the model: ${got(key)}, must be a positive integer`);
    }
  }
  requireHeads(config);
  requireCountable(config);
  const numbers = ["ropeTheta", "normEps", "embeddingScale"] as const;
  for (const key of numbers) {
    const value = config[key];
    if (key !== "ropeTheta" && value === undefined) continue;
    if (!Number.isFinite(value) || value! <= 0) {
      throw new OptionError(say`Cannot build the model: ${got(key)}, must be a number above 0`);
    }
  }
  if (config.logitSoftCap !== undefined && !isSoftCap(config.logitSoftCap)) {
    throw new OptionError(say`Cannot build the model: ${got("logitSoftCap")}, must be ${SOFT_CAP}`);
  }
  for (const key of Object.keys(ARCHITECTURE_CHOICES) as (keyof typeof ARCHITECTURE_CHOICES)[]) {
    const choices: readonly string[] = ARCHITECTURE_CHOICES[key];
    if (config[key] !== undefined && !choices.includes(config[key])) {
      const mustBe = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
      throw new OptionError(say`Cannot build the model: ${got(key)}, must be ${mustBe}`);
    }
  }
  for (const key of ["tieEmbeddings", "scaleEmbeddings", "parallelBlocks"] as const) {
    if (config[key] !== undefined && typeof config[key] !== "boolean") {
      throw new OptionError(say`Cannot build the model: ${got(key)}, must be true or false`);
    }
  }
  requireConsistent(config);
  return config;
}

/** @throws {OptionError} If the heads do not fit the width, each other, or the rotary positions. */
function requireHeads(config: ModelConfig): void {
  const { dModel, numHeads, numKeyValueHeads = numHeads, position = "rope" } = config;
  if (config.headDim === undefined && dModel % numHeads !== 0) {
    throw new OptionError(
      say`Cannot build the model: got ${option("dModel")} ${dModel} and ${numHeads} heads, must be ${
        option("dModel")
      } divisible by ${option("numHeads")}`,
    );
  }
  if (numHeads % numKeyValueHeads !== 0) {
    throw new OptionError(
      say`Cannot build the model: got ${option("numKeyValueHeads")} ${numKeyValueHeads} and ${
        option("numHeads")
      } ${numHeads}, must be a divisor of it`,
    );
  }
  if (position !== "rope") return;
  const { headDim, rotaryDim } = withDefaults(config);
  if (headDim % 2 !== 0) {
    const source = config.headDim === undefined ? say` (${option("dModel")} / ${option("numHeads")})` : "";
    throw new OptionError(
      say`Cannot build the model: got head size ${headDim}${source}, must be even for rotary positions`,
    );
  }
  if (rotaryDim % 2 !== 0 || rotaryDim > headDim) {
    throw new OptionError(
      say`Cannot build the model: got ${
        option("rotaryDim")
      } ${rotaryDim}, must be even and at most the head size ${headDim}`,
    );
  }
}

/** @throws {OptionError} If two parts of the architecture contradict each other. */
function requireConsistent(config: ModelConfig): void {
  const { position = "rope", normPlace = "pre", ropeScaling, rotaryDim, parallelBlocks } = config;
  const refuse = (key: keyof ModelConfig, other: keyof ModelConfig, mustBe: string): never => {
    throw new OptionError(
      say`Cannot build the model: got ${option(key)} ${excerpt(config[key])} with ${option(other)} ${
        excerpt(config[other])
      }, must be ${mustBe}`,
    );
  };
  if (position !== "rope" && rotaryDim !== undefined) refuse("rotaryDim", "position", 'with "rope"');
  if (position !== "rope" && ropeScaling !== undefined) refuse("ropeScaling", "position", 'with "rope"');
  if (config.scaleEmbeddings && config.embeddingScale !== undefined) {
    refuse("embeddingScale", "scaleEmbeddings", "only one of them");
  }
  if (parallelBlocks && normPlace !== "pre") refuse("parallelBlocks", "normPlace", 'with "pre"');
  if (ropeScaling !== undefined) validateRopeScaling(ropeScaling);
}

/** @throws {OptionError} If there are more elements than can be counted, naming the sizes that cause it. */
function requireCountable(config: ModelConfig): void {
  const { vocabSize, contextLength, dModel, numLayers, dFf } = config;
  const refuse = (got: Wording, mustBe: string): never => {
    throw new OptionError(say`Cannot build the model: got ${got}, must be ${mustBe}`);
  };
  if (numLayers > MAX_LAYERS) refuse(say`${option("numLayers")} ${numLayers}`, `at most ${MAX_LAYERS}`);
  const width = say`${option("dModel")} ${dModel}`;
  const fits = `such that all arrays have at most ${MAX_ELEMENTS} elements`;
  const { numHeads, headDim } = withDefaults(config);
  const queries = numHeads * headDim;
  const heads = queries > dModel ? say`${option("headDim")} ${headDim} and ${numHeads} heads` : width;
  if (contextLength * Math.max(dModel, queries) > MAX_ELEMENTS) {
    refuse(say`${option("contextLength")} ${contextLength} with ${heads}`, fits);
  }
  const alike: ModelConfig = { ...config, valueEmbeddings: "none" };
  const without = elementsOf(alike, 0);
  const layer = elementsOf(alike, 1) - without;
  const table = elementsOf({ ...config, valueEmbeddings: "all" }, 1) - without - layer;
  const outside = without + valueEmbeddingLayers(config).length * table;
  const layers = numLayers * layer;
  if (outside + layers <= MAX_ELEMENTS) return;
  const got = outside > layers
    ? say`${option("vocabSize")} ${vocabSize} with ${width}`
    : dFf > Math.max(dModel, queries)
    ? say`${option("dFf")} ${dFf} with ${width} in ${numLayers} layers`
    : say`${heads} in ${numLayers} layers`;
  refuse(got, fits);
}

/** Elements in memory of a model with this many layers, with the gaps: each parameter begins at a multiple of 64. */
function elementsOf(config: ModelConfig, numLayers: number): number {
  const specs = parameterSpecs({ ...config, numLayers });
  return specs.reduce((sum, spec) => sum + 64 * Math.ceil(sizeOf(spec) / 64), 0);
}
