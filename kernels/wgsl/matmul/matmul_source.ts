/** What the two generators of matrix multiplication kernels share: operands, and how WGSL reads them four at a time. */

/**
 * How an operand of C[M,N] = Σₖ A(m,k) B(k,n) lies in memory, row-major: "rows" has k last, as A (M, K) or B (N, K);
 * "columns" has k first, as A (K, M) or B (K, N).
 */
export type Layout = "rows" | "columns";

/** A matrix multiplication as a kernel of this project: its arrays' names, their layouts, and the sizes' names. */
export interface MatmulKernel {
  readonly name: string;
  /** C in terms of A and B, for the header. */
  readonly formula: string;
  readonly a: { readonly name: string; readonly layout: Layout };
  readonly b: { readonly name: string; readonly layout: Layout };
  readonly c: string;
  /** Names of the constants that hold M, N and K. */
  readonly sizes: { readonly M: string; readonly N: string; readonly K: string };
  /** Constants in order. */
  readonly constants: readonly string[];
  /** The constant that says how many products there are, their matrices one after the other; without it there is one. */
  readonly batch?: string;
  /** The product by whose rates tiles are chosen; itself by default. */
  readonly ratedAs?: string;
}

/** The sizes of a product: C is (M, N), its elements are sums over K. */
export interface MatmulSizes {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What of a call's sizes is baked into the source. */
export interface Divisibility {
  /** A's last dimension is a multiple of 4, so that A is read as vec4. */
  readonly aVec4: boolean;
  /** B's last dimension is a multiple of 4. */
  readonly bVec4: boolean;
  /** N is a multiple of 4, so that C is written as vec4 where four neighbours are at hand. */
  readonly cVec4: boolean;
}

/** The lanes of a vec4, which the sources use as constant indices. */
export const LANES = ["x", "y", "z", "w"] as const;

/** 0 … count − 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Joins lines, each indented. */
export function lines(indent: number, items: readonly string[]): string {
  return items.map((item) => item === "" ? "" : " ".repeat(indent) + item).join("\n");
}

/** Lines, each indented by one step. */
export function indented(items: readonly string[]): string[] {
  return items.map((item) => `  ${item}`);
}

/** Whether the kernel can add to its output. */
export function accumulates(kernel: MatmulKernel): boolean {
  return kernel.constants.includes("accumulate");
}

/** How many products a call has. */
export function batchOf({ batch }: MatmulKernel, constants: Readonly<Record<string, number>>): number {
  return batch === undefined ? 1 : constants[batch];
}

/** The row of an array that is row `row` of a product's own matrix, each of `size` rows: `batch_index` says which product. */
export function rowInBatch({ batch }: Pick<MatmulKernel, "batch">, size: string, row: string): string {
  return batch === undefined ? row : `(batch_index * ${size} + ${row})`;
}

/** The declarations of `Params` and the bindings, in the order that every kernel of this project keeps. */
export function declarations(
  kernel: MatmulKernel,
  options: Divisibility & { readonly c: string; readonly extra?: readonly string[] },
): string {
  const element = (vec4: boolean) => vec4 ? "vec4f" : "f32";
  const fields = [...kernel.constants, ...options.extra ?? [], "first_workgroup"];
  return `struct Params {
${lines(2, fields.map((name) => `${name}: u32,`))}
}

@group(0) @binding(0) var<storage, read> ${kernel.a.name}: array<${element(options.aVec4)}>;
@group(0) @binding(1) var<storage, read> ${kernel.b.name}: array<${element(options.bVec4)}>;
@group(0) @binding(2) var<storage, read_write> ${options.c}: array<${element(options.cVec4)}>;
@group(0) @binding(3) var<uniform> params: Params;`;
}

/** The sizes of a product with these constants. */
export function sizesOf({ sizes }: MatmulKernel, constants: Readonly<Record<string, number>>): MatmulSizes {
  return { M: constants[sizes.M], N: constants[sizes.N], K: constants[sizes.K] };
}

/** Which of a product's arrays can be read and written four elements at a time. */
export function divisibilityOf({ a, b }: MatmulKernel, { M, N, K }: MatmulSizes): Divisibility {
  return {
    aVec4: (a.layout === "rows" ? K : M) % 4 === 0,
    bVec4: (b.layout === "rows" ? K : N) % 4 === 0,
    cVec4: N % 4 === 0,
  };
}
