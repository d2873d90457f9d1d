/** What the generators of tiled products share: which tile of C is a workgroup's, and which part of K. */
import { accumulates, type MatmulKernel } from "./matmul_source.ts";

/** Rows of tiles that are gone through together, so that neighbours in time share both A and B in the cache. */
const GROUP_ROWS = 8;

/** The constant that `placeOfTile` reads. */
export const GROUP_CONSTANT =
  `// Rows of tiles that are gone through together, so that neighbours in time share both A and B in the cache.
const GROUP_ROWS = ${GROUP_ROWS}u;`;

/** Comments that say how to dispatch, and what becomes of the output. */
export function dispatchNote(kernel: MatmulKernel, split: boolean): string[] {
  if (split) {
    return [
      "// Split s takes the steps s * split_k <= k < (s + 1) * split_k and overwrites partials[s]; partials: (splits, M, N).",
      "// Dispatch tiles * splits, folded into two dimensions.",
    ];
  }
  const adds = accumulates(kernel) ? ", or adds to it where accumulate is 1" : "";
  return [`// Dispatch tiles, folded into two dimensions. Overwrites ${kernel.c}${adds}.`];
}

/** Statements that find the tile's `row` and `column`, its steps `k_start` to `k_end`, and, in a batch, its product. */
export function placeOfTile({ sizes, batch }: MatmulKernel, split: boolean): string[] {
  return [
    `let M = params.${sizes.M};`,
    `let N = params.${sizes.N};`,
    `let K = params.${sizes.K};`,
    "let tiles_m = (M + TILE_M - 1u) / TILE_M;",
    "let tiles_n = (N + TILE_N - 1u) / TILE_N;",
    "let index = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;",
    ...(batch === undefined ? partOfDepth(split) : productInBatch(batch)),
    "let tile = index % (tiles_m * tiles_n);",
    "let group = tile / (GROUP_ROWS * tiles_n);",
    "let group_rows = min(tiles_m - group * GROUP_ROWS, GROUP_ROWS);",
    "let in_group = tile % (GROUP_ROWS * tiles_n);",
    "let row = (group * GROUP_ROWS + in_group % group_rows) * TILE_M;",
    "let column = in_group / group_rows * TILE_N;",
  ];
}

function partOfDepth(split: boolean): string[] {
  return [
    "let split = index / (tiles_m * tiles_n);",
    `let k_start = split * ${split ? "params.split_k" : "K"};`,
    "if (k_start >= K) {",
    "  return;",
    "}",
    `let k_end = ${split ? "min(k_start + params.split_k, K)" : "K"};`,
  ];
}

function productInBatch(batch: string): string[] {
  return [
    "let batch_index = index / (tiles_m * tiles_n);",
    `if (batch_index >= params.${batch}) {`,
    "  return;",
    "}",
    "let k_start = 0u;",
    "let k_end = K;",
  ];
}
