/**
 * WGSL's experimental subgroup matrices: 16 × 16 blocks that a subgroup holds together, and that a GPU multiplies on units
 * of its own ("tensor cores"), f16 times f16 added up in f32. Only Dawn knows them, and its syntax changed in 2026.
 */

/** How a device's WGSL names loads and stores, and what its subgroups are. */
export interface SubgroupMatrices {
  /** Where the order of the elements stands: `subgroupMatrixLoad<T, row_major>(…)`, or, before, as an argument. */
  readonly order: "template" | "argument";
  /** Invocations in a subgroup: always so many. */
  readonly lanes: number;
}

/** Rows and columns of every matrix: what NVIDIA's GPUs take. */
export const MATRIX = 16;

/** How a matrix lies in an array: row by row, or column by column. */
export type MatrixOrder = "row_major" | "col_major";

/** What the matrix is in a product, and so how a subgroup shares it out. */
export type MatrixUse = "left" | "right" | "result";

/** What stands first in a module with subgroup matrices. */
export const MATRIX_DIRECTIVES = `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// A subgroup's number, by which each goes its own way, is the same in all its invocations; that is more than Dawn can tell.
diagnostic(off, chromium.subgroup_matrix_uniformity);`;

/** The type of a matrix. */
export function matrixType(use: MatrixUse): string {
  return `subgroup_matrix_${use}<${use === "result" ? "f32" : "f16"}, ${MATRIX}, ${MATRIX}>`;
}

/** The expression that loads a matrix whose first element is `array[at]`. */
export function loadMatrix(
  { order: style }: SubgroupMatrices,
  use: MatrixUse,
  array: string,
  at: string,
  order: MatrixOrder,
  stride: string,
): string {
  return style === "template"
    ? `subgroupMatrixLoad<${matrixType(use)}, ${order}>(&${array}, ${at}, ${stride})`
    : `subgroupMatrixLoad<${matrixType(use)}>(&${array}, ${at}, ${order === "col_major"}, ${stride})`;
}

/** The statement that stores a result, row by row, from `array[at]` on. */
export function storeMatrix(
  { order: style }: SubgroupMatrices,
  array: string,
  at: string,
  value: string,
  stride: string,
): string {
  return style === "template"
    ? `subgroupMatrixStore<row_major>(&${array}, ${at}, ${value}, ${stride});`
    : `subgroupMatrixStore(&${array}, ${at}, ${value}, false, ${stride});`;
}
