/** How the tiled attention kernels bring rows into workgroup memory. */

import { headIndex } from "./attention_groups.ts";
import type { Chunk, TiledHead } from "./attention_tile.ts";
import { LANES, range } from "../matmul/matmul_source.ts";

/** Other rows, by their names in the generated code: from `from` on; those from `end` on are read as the last before. */
export interface Rows {
  readonly from: string;
  readonly end: string;
  /** Rows of a sequence. */
  readonly size: string;
}

/** Statements, for each share of the invocation, with `group` a group of four rows of a tile and `d` a vector of the chunk. */
export function forEachShare(
  head: TiledHead,
  rows: number,
  chunk: Chunk,
  statements: readonly string[],
): string[] {
  const shares = rows / 4 * chunk.count;
  return range(Math.ceil(shares / head.workgroup)).flatMap((n) => {
    const isWhole = (n + 1) * head.workgroup <= shares;
    const body = [
      `let group = share % 8u${rows > 32 ? ` + share / ${8 * chunk.count}u * 8u` : ""};`,
      `let d = share / 8u % ${chunk.count}u;`,
      ...statements,
    ];
    return [
      "{",
      `  let share = local + ${n * head.workgroup}u;`,
      ...isWhole ? body.map((line) => `  ${line}`) : [
        `  if (share < ${shares}u) {`,
        ...body.map((line) => `    ${line}`),
        "  }",
      ],
      "}",
    ];
  });
}

/** Statements that read vector `d` of the four rows of `group` as `NAME0` … `NAME3`. */
export function readFour(
  head: TiledHead,
  name: string,
  array: string,
  chunk: Chunk,
  { from, end, size }: Rows,
): string[] {
  return range(4).map((r) =>
    `let ${name}${r} = read_${array}(${
      headIndex(head, array, `b * ${size} + min(${from} + 4u * group + ${r}u, ${end} - 1u)`)
    }, d${chunk.first === 0 ? "" : ` + ${chunk.first}u`});`
  );
}

/** Statements that stage a chunk of rows of `array` in `target`. Barriers are the caller's. */
export function stage(
  head: TiledHead,
  target: string,
  array: string,
  options: { readonly rows: number; readonly chunk: Chunk; readonly at: Rows; readonly factor?: string },
): string[] {
  const { rows, chunk, at, factor } = options;
  return forEachShare(head, rows, chunk, [
    ...readFour(head, "row", array, chunk, at),
    ...LANES.map((lane, c) =>
      `${target}[${c}][d][group] = vec4f(${range(4).map((r) => `row${r}.${lane}`).join(", ")})${
        factor === undefined ? "" : ` * ${factor}`
      };`
    ),
  ]);
}

/** Statements that stage whole own rows of `array` in `target`. */
export function stageOwn(head: TiledHead, target: string, array: string, size: string, factor?: string): string[] {
  const chunk = { first: 0, count: head.vectors };
  return stage(head, target, array, { rows: head.own, chunk, at: { from: "first_own", end: "end_own", size }, factor });
}

/** Statements that stage a chunk of a block of other rows, once everyone is done with what was there. */
export function stageOther(head: TiledHead, array: string, chunk: Chunk, at: Rows): string[] {
  return [
    "workgroupBarrier();",
    ...stage(head, "other", array, { rows: head.other, chunk, at }),
    "workgroupBarrier();",
  ];
}
