// Low-rank adapters of a Transformer's linear maps: their settings, names, shapes and first values.
import { option, OptionError, say, type Wording } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { Philox } from "../random/philox.ts";
import type { ModelConfig } from "./config.ts";
import { type ParameterSpec, parameterSpecs, sizeOf } from "./parameters.ts";
import type { WeightSource } from "./weights.ts";

/**
 * Which linear maps inside blocks have low-rank adapters, and of which size: y = x Wᵀ + (alpha / rank) · (x Aᵀ) Bᵀ, with
 * A (rank, in) and B (out, rank). Source: Hu et al. 2021, arXiv:2106.09685.
 */
export interface LoraOptions {
  /** From 1 to the smaller side of each matrix. */
  readonly rank: number;
  /** Above 0; default: the rank, so that the factor is 1. */
  readonly alpha?: number;
  /**
   * The last parts of the maps' names, of every layer: `q_proj`, `k_proj`, `v_proj`, `output_proj`, `w1`, `w2` and,
   * with a gate, `w3`. Default: `q_proj` and `v_proj`, as in the paper.
   */
  readonly targets?: readonly string[];
}

/** The maps that have adapters unless something else is asked for. */
export const DEFAULT_LORA_TARGETS: readonly string[] = ["q_proj", "v_proj"];

/** The random stream that adapters are drawn from. */
const RANDOM_STREAM_ADAPTERS = 5;

const DOWN = "lora_A.weight";
const UP = "lora_B.weight";

/** The factor of an adapter's product: alpha / rank. */
export function loraFactor({ rank, alpha = rank }: LoraOptions): number {
  return alpha / rank;
}

/** Whether a parameter belongs to an adapter. */
export function isAdapter(name: string): boolean {
  return /\.lora_[AB]\.weight$/.test(name);
}

/** The names of a linear map's two matrices; `stem` is the map's name: `layers.0.attn.q_proj`. */
export function adapterNames(stem: string): { readonly down: string; readonly up: string } {
  return { down: `${stem}.${DOWN}`, up: `${stem}.${UP}` };
}

/** The linear maps inside blocks, by the last parts of their names. */
function linearMaps(config: ModelConfig): ReadonlyMap<string, readonly ParameterSpec[]> {
  const maps = parameterSpecs(config).filter(({ name, shape }) =>
    shape.length === 2 && /^layers\.\d+\.(attn|ffn)\.(\w+_proj|w\d)\.weight$/.test(name)
  );
  return Map.groupBy(maps, ({ name }) => name.split(".").at(-2)!);
}

/**
 * The parameters of a model's adapters, in the order of the maps: A before B.
 * @throws {OptionError} If the rank, alpha or a target cannot work with the model, naming it.
 */
export function adapterSpecs(config: ModelConfig, options: LoraOptions): ParameterSpec[] {
  const { rank, alpha = rank, targets = DEFAULT_LORA_TARGETS } = options;
  const maps = linearMaps(config);
  const check = (key: string, value: unknown, isValid: boolean, mustBe: string | Wording) => {
    if (isValid) return;
    throw new OptionError(say`Cannot add adapters: got ${option(key)} ${excerpt(value)}, must be ${mustBe}`);
  };
  const isList = Array.isArray(targets) && targets.length > 0 && new Set(targets).size === targets.length;
  check("loraTargets", targets, isList, `a list of one or more of ${[...maps.keys()].join(", ")}, each once`);
  for (const target of targets) {
    check("loraTargets", target, maps.has(target), `one or more of ${[...maps.keys()].join(", ")}`);
  }
  check("loraRank", rank, Number.isSafeInteger(rank) && rank >= 1, "a positive integer");
  const isNumber = typeof alpha === "number" && alpha > 0 && alpha / rank > 2 ** -126 && alpha < 2 ** 100;
  check("loraAlpha", alpha, isNumber, "a finite number above 0");
  const adapted = targets.flatMap((target) => maps.get(target)!);
  for (const { name, shape } of adapted) {
    const mustBe = `at most ${Math.min(...shape)}, the smaller side of ${name}`;
    check("loraRank", rank, rank <= Math.min(...shape), mustBe);
  }
  const names = new Set(adapted.map(({ name }) => name));
  return parameterSpecs(config).filter(({ name }) => names.has(name)).flatMap(({ name, shape: [out, from] }) => {
    const { down, up } = adapterNames(name.slice(0, -".weight".length));
    return [{ name: down, shape: [rank, from] }, { name: up, shape: [out, rank] }];
  });
}

/**
 * What adapters begin with: A from a uniform distribution within ±1 / √in, B as zeros, so that the model at first computes
 * what it did without them. Each A draws random numbers of its own, by the seed and its place.
 *
 * Source: He et al. 2015 with a = √5, as in PEFT, for A.
 */
export function initialAdapters(specs: readonly ParameterSpec[], seed: number): WeightSource {
  const random = new Philox(seed, RANDOM_STREAM_ADAPTERS);
  const indexOf = new Map(specs.filter(({ name }) => isAdapter(name)).map(({ name }, i) => [name, i]));
  return (name, shape) => {
    const values = new Float32Array(sizeOf({ name, shape }));
    if (name.endsWith(UP)) return values;
    const first = indexOf.get(name)! * 2 ** 32;
    const bound = 1 / Math.sqrt(shape[1]);
    for (let i = 0; i < values.length; i++) values[i] = bound * (2 * random.uniform(first + i) - 1);
    return values;
  };
}

/** Weights of a model with adapters: its own from one source, those of adapters from another. */
export function withAdapters(weights: WeightSource, adapters: WeightSource): WeightSource {
  return (name, shape) => (isAdapter(name) ? adapters : weights)(name, shape);
}

/**
 * The weights of a model without adapters that computes the same: W + factor · B A in place of W. Sums are float64, and
 * rounded once.
 *
 * @param weights Of a model with adapters, as {@linkcode withAdapters} gives them.
 * @param specs The adapters' parameters; others are passed over.
 * @param factor alpha / rank
 */
export function mergedWeights(weights: WeightSource, specs: readonly ParameterSpec[], factor: number): WeightSource {
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  return async (name, shape) => {
    const { down, up } = adapterNames(name.slice(0, -".weight".length));
    if (!shapes.has(down)) return await weights(name, shape);
    const [w, a, b] = [
      await weights(name, shape),
      await weights(down, shapes.get(down)!),
      await weights(up, shapes.get(up)!),
    ];
    return merged(w, a, b, shape, factor);
  };
}

/** W + factor · B A. w: (out, in), a: (rank, in), b: (out, rank) */
function merged(
  w: Float32Array,
  a: Float32Array,
  b: Float32Array,
  [out, from]: readonly number[],
  factor: number,
): Float32Array {
  const rank = b.length / out;
  const result = new Float32Array(w.length);
  const row = new Float64Array(from);
  for (let o = 0; o < out; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const weight = b[o * rank + r];
      for (let i = 0; i < from; i++) row[i] += weight * a[r * from + i];
    }
    for (let i = 0; i < from; i++) result[o * from + i] = w[o * from + i] + factor * row[i];
  }
  return result;
}
