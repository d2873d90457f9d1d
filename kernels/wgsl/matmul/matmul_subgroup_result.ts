/** How the results of a matrix multiplication by subgroup matrices reach C. */
import { accumulates, indented, LANES, type MatmulKernel, range } from "./matmul_source.ts";
import { loadMatrix, MATRIX, storeMatrix, type SubgroupMatrices } from "./subgroup_matrix.ts";

/** f32 from row to row of a strip on its way through workgroup memory: 4 more than it has, against bank conflicts. */
function stripStride(partColumns: number): number {
  return partColumns + 4;
}

/** f32 of workgroup memory that each subgroup needs for a strip: the matrices side by side in its part of C. */
export function stripElements(partColumns: number): number {
  return MATRIX * stripStride(partColumns);
}

/** Where a subgroup's matrices go. */
export interface ResultTarget {
  readonly kernel: MatmulKernel;
  readonly matrices: SubgroupMatrices;
  readonly target: string;
  readonly split: boolean;
  readonly cVec4: boolean;
}

/** One matrix of a subgroup's part of C: its place, and its name. */
export interface Block {
  readonly i: number;
  readonly j: number;
  readonly sum: string;
}

/** Index of a matrix's first element in C. */
function startOf({ split }: ResultTarget, { i, j }: Block): string {
  return `${split ? "target_start + " : ""}(row + part_row + ${MATRIX * i}u) * N + column + part_column + ${
    MATRIX * j
  }u`;
}

/** Where C is added to, its matrices are what the sums start from. */
export function loadSums(store: ResultTarget, blocks: readonly Block[]): string[] {
  const { kernel, matrices, target, split } = store;
  if (!accumulates(kernel) || split) return [];
  return [
    "if (params.accumulate != 0u) {",
    ...indented(
      blocks.map((block) =>
        `${block.sum} = ${loadMatrix(matrices, "result", target, startOf(store, block), "row_major", "N")};`
      ),
    ),
    "}",
  ];
}

export function storeSums(store: ResultTarget, blocks: readonly Block[]): string[] {
  return blocks.map((block) => storeMatrix(store.matrices, store.target, startOf(store, block), block.sum, "N"));
}

/**
 * A strip of matrices through workgroup memory, from where the subgroup's invocations write what lies in C, four neighbours
 * each. A whole strip at a time, because all subgroups wait for each other before and after.
 * @param strip Matrices side by side: all have the same i.
 * @param partColumns Columns of the subgroup's part of C.
 */
export function storeThroughMemory(store: ResultTarget, strip: readonly Block[], partColumns: number): string[] {
  const { matrices } = store;
  const stride = stripStride(partColumns);
  const slot = `subgroup * ${stripElements(partColumns)}u`;
  const vectors = partColumns / 4;
  return [
    "workgroupBarrier();",
    ...strip.map(({ j, sum }) => storeMatrix(matrices, "results", `${slot} + ${MATRIX * j}u`, sum, `${stride}u`)),
    "workgroupBarrier();",
    `for (var at = lane; at < ${MATRIX * vectors}u; at += ${matrices.lanes}u) {`,
    ...indented([
      `let slot_at = ${slot} + at / ${vectors}u * ${stride}u + at % ${vectors}u * 4u;`,
      `let to_row = row + part_row + ${MATRIX * strip[0].i}u + at / ${vectors}u;`,
      `let to_column = column + part_column + at % ${vectors}u * 4u;`,
      "if (to_row < M) {",
      ...indented(storeFour(store)),
      "}",
    ]),
    "}",
  ];
}

function storeFour({ kernel, target, split, cVec4 }: ResultTarget): string[] {
  const index = (c: number) => `${split ? "target_start + " : ""}to_row * N + to_column${c > 0 ? ` + ${c}u` : ""}`;
  const value = (c: number) => `results[slot_at + ${c}u]`;
  const assign = (element: string, value: string) =>
    accumulates(kernel) && !split
      ? ["if (params.accumulate != 0u) {", `  ${element} += ${value};`, "} else {", `  ${element} = ${value};`, "}"]
      : [`${element} = ${value};`];
  const guarded = (c: number, statements: string[]) => [
    `if (to_column + ${c}u < N) {`,
    ...indented(statements),
    "}",
  ];
  if (!cVec4) return LANES.flatMap((_, c) => guarded(c, assign(`${target}[${index(c)}]`, value(c))));
  return guarded(0, assign(`${target}[(${index(0)}) / 4u]`, `vec4f(${range(4).map(value).join(", ")})`));
}
