/**
 * What the three generators of attention kernels share. All three work on blocks of 32 rows by 32 columns of the score
 * matrix, which exists only block by block. A workgroup owns 32 rows ("own": queries, or keys in the backward pass for
 * keys and values) and goes through the blocks of 32 columns ("other").
 *
 * Scores: an invocation (tx, ty) of the 8 × 8 has the own rows 4 ty … 4 ty + 3, held as the lanes of a vec4, and the
 * other rows tx, tx + 8, tx + 16 and tx + 24. Own rows are read from memory (and its cache), other rows are staged in
 * workgroup memory, at most 64 of the head's dimensions at a time, so that any head size fits.
 *
 * Products of a block of scores with the staged rows go to accumulators laid out differently: an invocation has one
 * vec4 of dimensions for 4 or 8 own rows. The block of scores passes through workgroup memory.
 *
 * Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2).
 */

import { headIndex, headPlacement } from "./attention_groups.ts";
import { LANES, lines, range } from "../matmul/matmul_source.ts";

/** Rows and columns of a block of scores. */
export const BLOCK = 32;

/** Vectors of 4 dimensions that are staged at once. */
const STAGED_VECTORS = 16;

/** A head's dimensions as vectors of four. */
export interface HeadVectors {
  readonly headDim: number;
  /** Arrays are bound as vec4. */
  readonly vec4: boolean;
  /** Vectors in a head, the last filled up with zeros. */
  readonly vectors: number;
  /** Heads of keys are shared, and windows limited: by the constants keyHeads and window. */
  readonly grouped?: boolean;
}

/** How a head's dimensions are cut up. */
export interface HeadLayout extends HeadVectors {
  /** Stretches of vectors that are staged together. */
  readonly chunks: readonly { readonly first: number; readonly count: number }[];
  /** Invocations across the dimensions when accumulating; a power of 2. */
  readonly across: number;
  /** Invocations (or rather groups of them) down the own rows when accumulating. */
  readonly down: number;
  /** Own rows of an accumulating invocation: 4 or 8. */
  readonly rows: number;
  /** Inner loops are unrolled for speed; not on a CPU, where that costs seconds of compiling and gains little. */
  readonly unrolled: boolean;
}

/** Cuts a head's dimensions into vectors and chunks, and the workgroup's 64 invocations into a grid over the output. */
export function headLayout(headDim: number, unrolled: boolean, grouped = false): HeadLayout {
  const vectors = Math.ceil(headDim / 4);
  const chunks = range(Math.ceil(vectors / STAGED_VECTORS)).map((c) => ({
    first: c * STAGED_VECTORS,
    count: Math.min(STAGED_VECTORS, vectors - c * STAGED_VECTORS),
  }));
  const across = 2 ** Math.ceil(Math.log2(chunks[0].count));
  const down = Math.min(8, 64 / across);
  return { headDim, vec4: headDim % 4 === 0, vectors, grouped, chunks, across, down, rows: BLOCK / down, unrolled };
}

/** Constants, workgroup memory and helpers, after the bindings. */
export function attentionPrelude(head: HeadLayout): string {
  const dimensions = 4 * STAGED_VECTORS;
  return `// Other rows tx + 8 j as [j][tx], at most ${dimensions} dimensions of each; an odd stride spreads rows over memory banks.
// Constant indices are dimensions of their own, because naga clamps all others at each access.
var<workgroup> staged: array<array<array<vec4f, ${head.chunks[0].count | 1}>, 8>, 4>;
// A block of scores, by other row, then by own row, four to a vector.
var<workgroup> scores: array<array<array<vec4f, 9>, 8>, 4>;
// What the invocations that share four own rows found.
var<workgroup> shares: array<array<vec4f, 9>, 8>;`;
}

/** The declarations of bindings, inputs first, and of `Params`. Arrays of heads are bound as vec4 where that fits. */
export function attentionBindings(
  head: HeadVectors,
  options: {
    readonly constants: readonly string[];
    readonly reads: readonly (readonly [name: string, type: "head" | "f32" | "u32"])[];
    /** "vectors" are vec4f whatever the head size. */
    readonly writes: readonly (readonly [name: string, type: "head" | "f32" | "vectors"])[];
  },
): string {
  const type = (kind: string) =>
    kind === "vectors" || kind === "head" && head.vec4 ? "vec4f" : kind === "head" ? "f32" : kind;
  const binding = (access: string, i: number, name: string, kind: string) =>
    `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type(kind)}>;`;
  const reads = options.reads.map(([name, kind], i) => binding("read", i, name, kind));
  const writes = options.writes.map(([name, kind], i) => binding("read_write", reads.length + i, name, kind));
  const count = reads.length + writes.length;
  return `struct Params {
${lines(2, [...options.constants, "first_workgroup"].map((name) => `${name}: u32,`))}
}

${[...reads, ...writes].join("\n")}
@group(0) @binding(${count}) var<uniform> params: Params;`;
}

/** A function that reads vector d of a head, given the head's index among all: (b * T + t) * H + h. */
export function readFunction(head: HeadVectors, array: string): string {
  const body = head.vec4 ? `return ${array}[index * ${head.vectors}u + d];` : `let at = index * HEAD_DIM + 4u * d;
  return vec4f(${
    LANES.map((_, lane) => `select(0.0, ${array}[at + ${lane}u], 4u * d + ${lane}u < HEAD_DIM)`).join(", ")
  });`;
  return `fn read_${array}(index: u32, d: u32) -> vec4f {
  ${body}
}`;
}

/** A function that writes vector d of a head, or adds to it. */
export function writeFunction(head: HeadVectors, array: string): string {
  const store = (element: string, value: string) =>
    `if (accumulate != 0u) {
    ${element} += ${value};
  } else {
    ${element} = ${value};
  }`;
  const body = head.vec4
    ? store(`${array}[index * ${head.vectors}u + d]`, "value")
    : `let at = index * HEAD_DIM + 4u * d;
  ${
      LANES.map((lane, i) =>
        `if (4u * d + ${i}u < HEAD_DIM) {
    ${store(`${array}[at + ${i}u]`, `value.${lane}`).replaceAll("\n", "\n  ")}
  }`
      ).join("\n  ")
    }`;
  return `fn write_${array}(index: u32, d: u32, value: vec4f, accumulate: u32) {
  ${body}
}`;
}

/** Which other rows are at hand: those from `from` on, up to `end`, of `size` in all. Each by its name in the generated code. */
export interface OtherRows {
  readonly from: string;
  /** Rows from here on may hold anything, and are read as the last row before. */
  readonly end: string;
  readonly size: string;
}

/** Statements that stage one chunk of BLOCK other rows, with a barrier before and after. */
function stage(
  head: HeadLayout,
  array: string,
  chunk: HeadLayout["chunks"][number],
  { from, end, size }: OtherRows,
): string[] {
  return [
    "workgroupBarrier();",
    `for (var i = local; i < BLOCK * ${chunk.count}u; i += WORKGROUP) {`,
    `  let row = i / ${chunk.count}u;`,
    `  let other = min(${from} + row, ${end} - 1u);`,
    `  staged[row / 8u][row % 8u][i % ${chunk.count}u] = read_${array}(${
      headIndex(head, array, `b * ${size} + other`)
    }, ${chunk.first}u + i % ${chunk.count}u);`,
    "}",
    "workgroupBarrier();",
  ];
}

/** Statements that compute `result0` … `result3`: the products of own rows of `own` with the staged rows. */
export function dotProducts(
  head: HeadLayout,
  result: string,
  own: string,
  other: string,
  rows: OtherRows,
): string[] {
  return [
    ...range(4).map((j) => `var ${result}${j} = vec4f();`),
    ...head.chunks.flatMap((chunk) => [
      ...stage(head, other, chunk, rows),
      `for (var d = 0u; d < ${chunk.count}u; d++) {`,
      ...range(4).map((i) => `  let own${i} = read_${own}(own_index${i}, ${chunk.first}u + d);`),
      ...range(4).map((j) => `  let other${j} = staged[${j}][tx][d];`),
      ...LANES.flatMap((lane) => [
        `  let own_${lane} = vec4f(${range(4).map((i) => `own${i}.${lane}`).join(", ")});`,
        ...range(4).map((j) => `  ${result}${j} += own_${lane} * other${j}.${lane};`),
      ]),
      "}",
    ]),
  ];
}

/** Statements that declare the accumulators of an output, one vec4 of dimensions per own row and chunk. */
export function declareSums(head: HeadLayout, sum: string): string[] {
  return head.chunks.flatMap((_, c) => range(head.rows).map((r) => `var ${sum}${c}_${r} = vec4f();`));
}

/**
 * Statements that add to the accumulators: the block of scores times the other rows of `array`. They are staged chunk by
 * chunk, unless `isStaged` says that the only chunk is in place; a barrier must lie between writing scores and this.
 */
export function accumulate(
  head: HeadLayout,
  sum: string,
  array: string,
  other: OtherRows,
  isStaged: boolean,
): string[] {
  return head.chunks.flatMap((chunk, c) => [
    ...isStaged && head.chunks.length === 1 ? ["workgroupBarrier();"] : stage(head, array, chunk, other),
    "for (var t = 0u; t < 8u; t++) {",
    ...head.unrolled
      ? range(4).flatMap((j) => accumulateRow(head, `${sum}${c}`, String(j)))
      : ["for (var j = 0u; j < 4u; j++) {", ...accumulateRow(head, `${sum}${c}`, "j"), "}"],
    "}",
  ]);
}

/** Statements that add the products with one other row, in a block of their own. */
function accumulateRow(head: HeadLayout, sum: string, j: string): string[] {
  return [
    "{",
    `let value = staged[${j}][t][column];`,
    ...range(head.rows / 4).map((g) => `let score${g} = scores[${j}][t][${head.rows / 4}u * down + ${g}u];`),
    ...range(head.rows).map((r) => `${sum}_${r} += score${r >> 2}.${LANES[r & 3]} * value;`),
    "}",
  ];
}

/** Statements that write the accumulators out, times `factor(row)`. */
export function writeSums(
  head: HeadLayout,
  sum: string,
  array: string,
  options: { readonly end: string; readonly factor: (row: number) => string; readonly accumulate: string },
): string[] {
  const rows = range(head.rows).flatMap((r) => [
    `if (first_own + ${head.rows}u * down + ${r}u < ${options.end}) {`,
    `  let index = ${headIndex(head, array, `b * ${options.end} + first_own + ${head.rows}u * down + ${r}u`)};`,
    ...head.chunks.flatMap((chunk, c) => [
      `  if (column < ${chunk.count}u) {`,
      `    write_${array}(index, ${chunk.first}u + column, ${sum}${c}_${r} * ${
        options.factor(r)
      }, ${options.accumulate});`,
      "  }",
    ]),
    "}",
  ]);
  return [`if (local < ${head.across * head.down}u) {`, ...rows.map((line) => `  ${line}`), "}"];
}

/**
 * Statements that find an invocation's place: which head and block, which rows of scores, which part of the output.
 * @param own An array whose rows the own rows are.
 */
export function placement(head: HeadLayout, blocks: string, size: string, own: "q" | "k"): string[] {
  return [
    "let group = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;",
    `let blocks = (${size} + BLOCK - 1u) / BLOCK;`,
    ...headPlacement(head, own),
    `let first_own = ${blocks} * BLOCK;`,
    "let tx = local % 8u;",
    "let ty = local / 8u;",
    ...range(4).map((i) => `let own${i}_t = min(first_own + 4u * ty + ${i}u, ${size} - 1u);`),
    ...range(4).map((i) => `let own_index${i} = ${headIndex(head, own, `b * ${size} + own${i}_t`)};`),
    `let column = local % ${head.across}u;`,
    `let down = min(local / ${head.across}u, ${head.down - 1}u);`,
  ];
}

/** The end of every attention kernel's text: the entry point around its statements. */
export function entryPoint(statements: readonly string[]): string {
  return `@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
${lines(2, statements)}
}
`;
}
