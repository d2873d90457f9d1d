// The order of rows in other libraries' query, key and value matrices.
import { withDefaults } from "../model/architecture.ts";
import type { ModelConfig } from "../model/config.ts";

/** The rows of a tensor that a parameter takes, and how many the whole has. */
export interface RowOrder {
  /** Row `i` of the parameter is row `rows()[i]` of the tensor. Made when needed: sizes may come from anywhere. */
  readonly rows: () => Uint32Array;
  /** Rows of the tensor. */
  readonly of: number;
}

/** Queries, keys or values. */
export type Projection = "q" | "k" | "v";

/** Heads of queries, or of keys and values. */
export function headsOf(config: ModelConfig, projection: Projection): number {
  const { numHeads, numKeyValueHeads } = withDefaults(config);
  return projection === "q" ? numHeads : numKeyValueHeads;
}

/**
 * Rows in heads, of a library that rotates dimension i with i + rotaryDim / 2. Here, neighbours are rotated: 2i with
 * 2i + 1. Dimensions from rotaryDim on are not rotated, and stay; so do all of values.
 *
 * @param first The row of a head's first dimension in the tensor.
 * @param of Rows of the tensor.
 */
export function headRows(
  config: ModelConfig,
  projection: Projection,
  first: (head: number, headDim: number) => number,
  of: number,
): RowOrder {
  const { headDim } = withDefaults(config);
  const rows = () => {
    const within = projection === "v" ? undefined : halvesOf(config);
    return Uint32Array.from({ length: headsOf(config, projection) * headDim }, (_, row) => {
      const d = row % headDim;
      return first(Math.floor(row / headDim), headDim) + (within === undefined ? d : within[d]);
    });
  };
  return { rows, of };
}

/** Rows in heads, one head after the other. */
export function rotatedHalves(projection: Projection): (config: ModelConfig) => RowOrder {
  return (config) => {
    const of = headsOf(config, projection) * withDefaults(config).headDim;
    return headRows(config, projection, (head, headDim) => head * headDim, of);
  };
}

/** One head's dimensions, where a library has them: see {@linkcode headRows}. */
export function halvesOf(config: ModelConfig): Uint32Array {
  const { headDim, rotaryDim, position } = withDefaults(config);
  const rotated = position === "rope" ? rotaryDim : 0;
  return Uint32Array.from(
    { length: headDim },
    (_, d) => d >= rotated ? d : (d >> 1) + (d % 2 === 0 ? 0 : rotated / 2),
  );
}

/** The weights of the queries' or keys' norm: one for each row of the projection, or one for each dimension of a head. */
export function qkNormRows(projection: "q" | "k"): (config: ModelConfig) => RowOrder {
  return (config) =>
    withDefaults(config).qkNorm === "head"
      ? { rows: () => halvesOf(config), of: withDefaults(config).headDim }
      : rotatedHalves(projection)(config);
}

/** Rows of a part of a tensor that holds queries, then keys, then values, each with its heads one after the other. */
export function fusedHeads(projection: Projection, rotated = true): (config: ModelConfig) => RowOrder {
  return (config) => {
    const { headDim, numHeads, numKeyValueHeads } = withDefaults(config);
    const begin = { q: 0, k: numHeads, v: numHeads + numKeyValueHeads }[projection] * headDim;
    const of = (numHeads + 2 * numKeyValueHeads) * headDim;
    if (rotated) return headRows(config, projection, (head) => begin + head * headDim, of);
    return { rows: () => consecutive(begin, headsOf(config, projection) * headDim), of };
  };
}

/** Rows of a part of a tensor that holds each head's query, key and value, then the next head's. */
export function interleavedHeads(projection: Projection): (config: ModelConfig) => RowOrder {
  return (config) => {
    const { headDim, numHeads } = withDefaults(config);
    const place = { q: 0, k: 1, v: 2 }[projection];
    return headRows(config, projection, (head) => (3 * head + place) * headDim, 3 * numHeads * headDim);
  };
}

/** Rows of the feed-forward's gate, and of what it multiplies, in a tensor that holds one after the other. */
export function fusedGate(part: "gate" | "up"): (config: ModelConfig) => RowOrder {
  return ({ dFf }) => ({ rows: () => consecutive(part === "gate" ? 0 : dFf, dFf), of: 2 * dFf });
}

function consecutive(first: number, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => first + i);
}
