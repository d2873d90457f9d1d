/**
 * What the three generators of tiled attention kernels share. A workgroup owns 32 or 64 rows ("own": queries, or keys in
 * the backward pass for keys and values), which it stages once, and goes through the rows of the other side in blocks.
 * The score matrix exists only block by block.
 *
 * Everything in workgroup memory lies so that four neighbouring rows are one vector: rows by dimension, scores by other
 * row. A step of a product is then an outer product of a few vectors. An invocation (tx, ty) has the own rows
 * 4 (ty + down g) … + 3, as the lanes of vectors, and the other rows 4 (tx + 8 h) … + 3. Of an output it has the same own
 * rows, and of each the vectors of dimensions tx, tx + 8, …: what a row's statistics do to them needs no one else.
 *
 * Neighbouring invocations differ in ty first: eight read eight neighbouring vectors, or the same one.
 *
 * Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2).
 */

import { headPlacement } from "./attention_groups.ts";
import { attentionBindings, entryPoint, readFunction, writeFunction } from "./attention_source.ts";
import type { TiledHead } from "./attention_tile.ts";
import { range } from "../matmul/matmul_source.ts";

/** A whole kernel. */
export interface TiledSource {
  readonly header: string;
  readonly constants: readonly string[];
  readonly reads: readonly (readonly [name: string, type: "head" | "f32" | "u32"])[];
  readonly writes: readonly (readonly [name: string, type: "head" | "f32" | "vectors"])[];
  /** Arrays in workgroup memory that hold the own rows, by name. */
  readonly own: readonly string[];
  /** Whether own rows and scores are also read with neighbouring invocations at other dimensions and other rows. */
  readonly isSpread?: boolean;
  /** Further declarations. */
  readonly declarations: string;
  readonly statements: readonly string[];
}

/** The text of a kernel. */
export function tiledSource(head: TiledHead, kernel: TiledSource): string {
  const heads = (arrays: readonly (readonly [name: string, type: string])[]) =>
    arrays.filter(([, type]) => type === "head").map(([name]) => name);
  const tile = (name: string, vectors: number, fours: number) =>
    `var<workgroup> ${name}: array<array<array<vec4f, ${fours}>, ${vectors}>, 4>;`;
  const ownFours = head.own / 4 + (kernel.isSpread ? 1 : 0);
  return `${kernel.header}

const WORKGROUP = ${head.workgroup}u;
const SPAN = ${head.span}u;
const OWN = ${head.own}u;
const OTHER = ${head.other}u;
const HEAD_DIM = ${head.headDim}u;
// Exponentials and logarithms are to the base 2, as hardware has them.
const LOG2E = 1.4426950408889634;
const LN2 = 0.6931471805599453;
// Stands for minus infinity, which WGSL may assume never occurs.
const LOWEST = -1e30;

${attentionBindings(head, kernel)}

// Rows by dimension, [c][d][i]: dimension 4 d + c of the rows 4 i … 4 i + 3. Constant indices come first, because naga
// clamps all others; an odd stride spreads dimensions over memory banks.
${kernel.own.map((name) => tile(name, head.vectors, ownFours)).join("\n")}
${tile("other", head.chunks[0].count, head.other / 4 + 1)}
// A block of scores by other row, [c][i][j]: other row 4 i + c, own rows 4 j … 4 j + 3.
${tile("scores", head.other / 4, ownFours)}
${kernel.declarations}
${heads(kernel.reads).map((array) => readFunction(head, array)).join("\n\n")}

${heads(kernel.writes).map((array) => writeFunction(head, array)).join("\n\n")}

${entryPoint(kernel.statements)}`;
}

/** Statements that find a workgroup's head and block, and an invocation's rows. `size` is the own rows of a sequence, which are those of `own`. */
export function placement(head: TiledHead, blocks: string, size: string, own: "q" | "k"): string[] {
  return [
    "let group = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;",
    `let blocks = (${size} + OWN - 1u) / OWN;`,
    ...headPlacement(head, own),
    ...invocationPlace(),
    `let first_own = ${blocks} * OWN;`,
    ...ownRows(head, size),
  ];
}

/** Statements that find an invocation's place among the others. */
export function invocationPlace(): string[] {
  return ["let tx = local / 8u % 8u;", "let ty = local % 8u + local / 64u * 8u;"];
}

/** Statements that find an invocation's own rows, in the block from `first_own` on. */
export function ownRows(head: TiledHead, size: string): string[] {
  return [
    `let end_own = min(first_own + OWN, ${size});`,
    // The 64 invocations around have SPAN rows from here on.
    "let first_row = first_own + local / 64u * SPAN;",
    ...range(head.ownFours).map((g) =>
      `let own${g} = vec4u(first_own + 4u * (ty + ${g * head.down}u)) + vec4u(0u, 1u, 2u, 3u);`
    ),
  ];
}

/**
 * Statements for those invocations whose own rows see anything of a block: others would compute what is masked. No barrier
 * may be among them. Where a block is so long that no rows are left out of the last one, there is nothing to ask.
 */
export function whereSeen(head: TiledHead, condition: string, statements: readonly string[]): string[] {
  return head.other > head.own - head.span ? [...statements] : [`if (${condition}) {`, ...statements, "}"];
}
