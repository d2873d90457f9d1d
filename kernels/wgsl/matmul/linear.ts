import { type Constants, type DeviceTraits, type WgslCall, type WgslKernel } from "../dispatch.ts";
import { DIRECT_WORKGROUP, directMatmul, type DirectTile } from "./matmul_direct.ts";
import {
  accumulates,
  batchOf,
  type Divisibility,
  divisibilityOf,
  type MatmulKernel,
  type MatmulSizes,
  sizesOf,
} from "./matmul_source.ts";
import { productCall, splitOf } from "./matmul_split.ts";
import { SKINNY_COLUMNS, SKINNY_MAX_ROWS, skinnyMatmul } from "./matmul_skinny.ts";
import { chooseMatrixVariant, subgroupMatmulCall } from "./matmul_subgroup_call.ts";
import { type Tile, tileLabel } from "./matmul_tile.ts";
import { chooseSplits, chooseTile, SPLIT_DEPTH } from "./matmul_tile_choice.ts";
import { tiledMatmul } from "./matmul_tiled.ts";

const forward: MatmulKernel = {
  name: "linear_forward",
  formula: "y[r,o] = sum_i x[r,i] * weight[o,i]; x: (rows, I), weight: (O, I), y: (rows, O)",
  a: { name: "x", layout: "rows" },
  b: { name: "weight", layout: "rows" },
  c: "y",
  sizes: { M: "rows", N: "O", K: "I" },
  constants: ["rows", "I", "O"],
};

const backwardInput: MatmulKernel = {
  name: "linear_backward_input",
  formula: "dX[r,i] = sum_o dY[r,o] * weight[o,i]; dY: (rows, O), weight: (O, I), dX: (rows, I)",
  a: { name: "dY", layout: "rows" },
  b: { name: "weight", layout: "columns" },
  c: "dX",
  sizes: { M: "rows", N: "I", K: "O" },
  constants: ["rows", "I", "O", "accumulate"],
};

const backwardWeight: MatmulKernel = {
  name: "linear_backward_weight",
  formula: "dWeight[o,i] = sum_r dY[r,o] * x[r,i]; dY: (rows, O), x: (rows, I), dWeight: (O, I)",
  a: { name: "dY", layout: "columns" },
  b: { name: "x", layout: "columns" },
  c: "dWeight",
  sizes: { M: "O", N: "I", K: "rows" },
  constants: ["rows", "I", "O", "accumulate"],
};

/** Below so many rows or columns of C, or steps of K, a tile in workgroup memory does not pay. */
const MIN_TILED = 16;

/** The ways in which a product can be computed; the tests ask for each by name. */
export type Variant =
  | { readonly kind: "direct"; readonly tile: DirectTile }
  | { readonly kind: "skinny" }
  | { readonly kind: "tiled"; readonly tile: Tile; readonly splits: number };

/** A variant in words. */
export function variantLabel(variant: Variant): string {
  switch (variant.kind) {
    case "direct":
      return `direct ${variant.tile.m}x${variant.tile.n}`;
    case "skinny":
      return "skinny";
    case "tiled": {
      const splits = variant.splits > 1 ? ` in ${variant.splits} splits` : "";
      return `tiled ${tileLabel(variant.tile)}${splits}`;
    }
  }
}

/** Picks the variant for a product on a device. */
export function chooseVariant({ M, N, K }: MatmulSizes, kernel: MatmulKernel, traits: DeviceTraits): Variant {
  if (traits.software) return { kind: "direct", tile: { m: powerOfTwo(M, 8), n: powerOfTwo(N, 8) } };
  if (isSkinny(kernel, M)) return { kind: "skinny" };
  if (Math.min(M, N, K) < MIN_TILED) return { kind: "direct", tile: { m: powerOfTwo(M, 4), n: powerOfTwo(N, 4) } };
  const splits = chooseSplits({ M, N, K });
  return { kind: "tiled", tile: chooseTile(kernel, { M, N, K }, splits, traits), splits };
}

/** Whether a product has the layout and the few rows that the skinny variant is for, which overwrites C. */
function isSkinny(kernel: MatmulKernel, M: number): boolean {
  return M <= SKINNY_MAX_ROWS && kernel.a.layout === "rows" && kernel.b.layout === "rows" && !accumulates(kernel);
}

/** The smallest power of two that is at least `n`, or `most`. */
function powerOfTwo(n: number, most: number): number {
  return Math.min(most, 2 ** Math.ceil(Math.log2(n)));
}
/** The dispatches of one product by one variant. */
export function matmulCall(kernel: MatmulKernel, constants: Constants, variant: Variant): WgslCall {
  const { M, N, K } = sizesOf(kernel, constants);
  const divides = divisibilityOf(kernel, { M, N, K });
  switch (variant.kind) {
    case "direct":
      return directCall(kernel, constants, variant.tile, divides);
    case "skinny":
      return skinnyCall(kernel, { M, N, K });
    case "tiled":
      return tiledCall(kernel, constants, variant.tile, variant.splits, divides);
  }
}

function directCall(kernel: MatmulKernel, constants: Constants, tile: DirectTile, divides: Divisibility): WgslCall {
  const { M, N, K } = sizesOf(kernel, constants);
  const wide = {
    aVec4: divides.aVec4 && (kernel.a.layout === "rows" || tile.m % 4 === 0),
    bVec4: divides.bVec4 && (kernel.b.layout === "rows" || tile.n % 4 === 0),
    cVec4: divides.cVec4 && tile.n % 4 === 0,
  };
  const batch = batchOf(kernel, constants);
  const tiles = Math.ceil(M / tile.m) * Math.ceil(N / tile.n) * batch;
  return {
    dispatches: [{
      label: `${kernel.name} ${variantLabel({ kind: "direct", tile })}`,
      source: directMatmul(kernel, tile, wide, K % 4 === 0),
      workgroups: Math.ceil(tiles / DIRECT_WORKGROUP),
      flops: 2 * M * N * K * batch,
      divisible: true,
    }],
  };
}

function skinnyCall(kernel: MatmulKernel, { M, N, K }: MatmulSizes): WgslCall {
  return {
    dispatches: [{
      label: `${kernel.name} ${variantLabel({ kind: "skinny" })}`,
      source: skinnyMatmul(kernel, M, K % 4 === 0),
      workgroups: Math.ceil(N / SKINNY_COLUMNS),
      flops: 2 * M * N * K,
      divisible: true,
    }],
  };
}

function tiledCall(
  kernel: MatmulKernel,
  constants: Constants,
  tile: Tile,
  splits: number,
  divides: Divisibility,
): WgslCall {
  const { M, N, K } = sizesOf(kernel, constants);
  const split = splitOf(K, splits, SPLIT_DEPTH);
  const { parts } = split;
  const source = tiledMatmul(kernel, tile, { ...divides, wholeK: K % tile.k === 0, splitK: parts > 1 });
  const label = `${kernel.name} ${variantLabel({ kind: "tiled", tile, splits: parts })}`;
  const batch = batchOf(kernel, constants);
  const workgroups = Math.ceil(M / tile.m) * Math.ceil(N / tile.n) * parts * batch;
  const product = { label, source, workgroups, flops: 2 * M * N * K * batch, divisible: true };
  return productCall(kernel, constants, split, product);
}

/** A product as a kernel, by the variant that suits a call best. */
export function productKernel(kernel: MatmulKernel): WgslKernel {
  return (constants, traits, halves = new Set()) => {
    const matrices = chooseMatrixVariant(kernel, constants, traits, halves);
    if (matrices) return subgroupMatmulCall(kernel, constants, matrices, traits.matrices!, halves);
    return matmulCall(kernel, constants, chooseVariant(sizesOf(kernel, constants), kernel, traits));
  };
}

export const linearForward = productKernel(forward);
export const linearBackwardInput = productKernel(backwardInput);
export const linearBackwardWeight = productKernel(backwardWeight);

/** The three products, for tests and measurements of variants. */
export const matmulKernels: readonly MatmulKernel[] = [forward, backwardInput, backwardWeight];
