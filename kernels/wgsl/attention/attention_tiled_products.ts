/** The products of the tiled attention kernels: scores, which are sums over dimensions, and outputs, sums over rows. */

import { headIndex } from "./attention_groups.ts";
import { ACROSS, type Chunk, type TiledHead } from "./attention_tile.ts";
import { LANES, range } from "../matmul/matmul_source.ts";

/** An invocation's scores: for each four own rows and each other row a vector. */
export function scoresOf(head: TiledHead): { readonly g: number; readonly j: number }[] {
  return range(head.ownFours).flatMap((g) => range(4 * head.otherFours).map((j) => ({ g, j })));
}

/** The place of other row j of an invocation's, from the block's first on. */
export function otherRow(j: number): string {
  return `4u * (tx + ${ACROSS * (j >> 2)}u) + ${j & 3}u`;
}

/** An invocation's score of other row j in workgroup memory. */
export function scoreAt(head: TiledHead, { g, j }: { readonly g: number; readonly j: number }): string {
  return `scores[${j & 3}][tx + ${ACROSS * (j >> 2)}u][ty + ${g * head.down}u]`;
}

/** Statements that declare an invocation's scores, `NAMEg_j`, from a vector on; from 0 by default. */
export function declareScores(
  head: TiledHead,
  name: string,
  from: (g: number, j: number) => string = () => "vec4f()",
): string[] {
  return scoresOf(head).map(({ g, j }) => `var ${name}${g}_${j} = ${from(g, j)};`);
}

/** Multiply-adds in the body of a loop: so many that counting costs little, so few that the body stays in the cache. */
const UNROLLED = 256;

/** How many steps of a loop are unrolled, where one has 64 multiply-adds times `blocks`. */
function unrolledSteps(steps: number, blocks: number): number {
  return [4, 2].find((unrolled) => steps % unrolled === 0 && 64 * blocks * unrolled <= UNROLLED) ?? 1;
}

/** Statements that add the products of own rows and the staged chunk of other rows. */
export function addProducts(head: TiledHead, name: string, own: string, chunk: Chunk): string[] {
  const unrolled = unrolledSteps(chunk.count, head.ownFours * head.otherFours);
  const step = (u: number, c: number) => [
    "{",
    ...range(head.ownFours).map((g) => `let left${g} = ${own}[${c}][d${u} + ${chunk.first}u][ty + ${g * head.down}u];`),
    ...range(head.otherFours).map((f) => `let right${f} = other[${c}][d${u}][tx + ${ACROSS * f}u];`),
    ...scoresOf(head).map(({ g, j }) => `${name}${g}_${j} += left${g} * right${j >> 2}.${LANES[j & 3]};`),
    "}",
  ];
  return [
    `for (var d = 0u; d < ${chunk.count}u; d += ${unrolled}u) {`,
    ...range(unrolled).flatMap((u) => [`let d${u} = d + ${u}u;`, ...range(4).flatMap((c) => step(u, c))]),
    "}",
  ];
}

/** Statements that set scores to LOWEST where `isVisible` is false: `scope` says when that may be. */
export function maskScores(
  head: TiledHead,
  name: string,
  scope: string,
  isVisible: (g: number, j: number) => string,
): string[] {
  return [
    `if (${scope}) {`,
    ...scoresOf(head).map(({ g, j }) =>
      `  ${name}${g}_${j} = select(vec4f(LOWEST), ${name}${g}_${j}, ${isVisible(g, j)});`
    ),
    "}",
  ];
}

/** An invocation's part of an output: for each own row and each of its vectors in each chunk one accumulator. */
function sumsOf(head: TiledHead, chunk: Chunk): { readonly k: number; readonly g: number; readonly r: number }[] {
  return range(Math.ceil(chunk.count / ACROSS)).flatMap((k) =>
    range(head.ownFours).flatMap((g) => range(4).map((r) => ({ k: chunk.first / ACROSS + k, g, r })))
  );
}

/** Statements that declare an output's accumulators, `SUMk_g_r`. */
export function declareSums(head: TiledHead, sum: string): string[] {
  return head.chunks.flatMap((chunk) => sumsOf(head, chunk)).map(({ k, g, r }) =>
    `var ${sum}${k}_${g}_${r} = vec4f();`
  );
}

/** Statements that multiply row r of the own rows g of an output by `factor`. */
export function scaleSums(head: TiledHead, sum: string, factor: (g: number, r: number) => string): string[] {
  return head.chunks.flatMap((chunk) => sumsOf(head, chunk))
    .map(({ k, g, r }) => `${sum}${k}_${g}_${r} *= ${factor(g, r)};`);
}

/** A chunk's vectors that an invocation has; where they are not shared out evenly, some have the last one for nothing. */
function columnsOf(chunk: Chunk): { readonly k: number; readonly column: string; readonly isWhole: boolean }[] {
  return range(Math.ceil(chunk.count / ACROSS)).map((c) => {
    const isWhole = (c + 1) * ACROSS <= chunk.count;
    const column = `tx + ${c * ACROSS}u`;
    return { k: chunk.first / ACROSS + c, column: isWhole ? column : `min(${column}, ${chunk.count - 1}u)`, isWhole };
  });
}

/** Statements that add to an output the block of scores times the staged chunk of other rows. */
export function addWeighted(head: TiledHead, sum: string, chunk: Chunk): string[] {
  const columns = columnsOf(chunk);
  const unrolled = unrolledSteps(head.other / 4, head.ownFours * columns.length);
  const step = (u: number) => [
    "{",
    `let four = i + ${u}u;`,
    ...columns.flatMap(({ k }) => range(4).map((c) => `let value${k}_${c} = other[${c}][column${k}][four];`)),
    ...LANES.flatMap((lane, c) => [
      "{",
      ...range(head.ownFours).map((g) => `let score${g} = scores[${c}][four][ty + ${g * head.down}u];`),
      ...columns.map(({ k }) => `let row${k} = vec4f(${range(4).map((c) => `value${k}_${c}.${lane}`).join(", ")});`),
      ...sumsOf(head, chunk).map(({ k, g, r }) => `${sum}${k}_${g}_${r} += score${g}.${LANES[r]} * row${k};`),
      "}",
    ]),
    "}",
  ];
  return [
    "{",
    ...columns.map(({ k, column }) => `let column${k} = ${column};`),
    `for (var i = 0u; i < ${head.other / 4}u; i += ${unrolled}u) {`,
    ...range(unrolled).flatMap(step),
    "}",
    "}",
  ];
}

/**
 * An invocation's part of an output of other rows: 4 (ty + down o) … + 3 for each o. Where there are fewer of them than own
 * rows, some invocations have none.
 */
function otherSumsOf(head: TiledHead): { readonly k: number; readonly o: number; readonly r: number }[] {
  return range(Math.ceil(head.vectors / ACROSS)).flatMap((k) =>
    range(Math.ceil(head.other / 4 / head.down)).flatMap((o) => range(4).map((r) => ({ k, o, r })))
  );
}

/** Statements for those invocations that have a part of an output of other rows. */
export function whereOther(head: TiledHead, statements: readonly string[]): string[] {
  return head.other / 4 >= head.down ? [...statements] : [`if (ty < ${head.other / 4}u) {`, ...statements, "}"];
}

/**
 * Statements that declare and compute an output of other rows, `SUMk_o_r`: the block of scores, transposed, times `own`.
 * For `whereOther`.
 * @param end Own fours that see anything of the block, an expression: the scores of others are left from another block.
 */
export function weightedOwn(head: TiledHead, sum: string, own: string, end: string): string[] {
  const columns = columnsOf({ first: 0, count: head.vectors });
  const others = range(Math.ceil(head.other / 4 / head.down));
  const unrolled = unrolledSteps(head.own / 4, others.length * columns.length);
  const step = (u: number) => [
    "{",
    `let four = i + ${u}u;`,
    ...columns.flatMap(({ k }) => range(4).map((c) => `let value${k}_${c} = ${own}[${c}][column${k}][four];`)),
    ...others.flatMap((o) => range(4).map((r) => `let score${o}_${r} = scores[${r}][ty + ${o * head.down}u][four];`)),
    ...LANES.flatMap((lane) => [
      "{",
      ...columns.map(({ k }) => `let row${k} = vec4f(${range(4).map((c) => `value${k}_${c}.${lane}`).join(", ")});`),
      ...otherSumsOf(head).map(({ k, o, r }) => `${sum}${k}_${o}_${r} += score${o}_${r}.${lane} * row${k};`),
      "}",
    ]),
    "}",
  ];
  return [
    ...otherSumsOf(head).map(({ k, o, r }) => `var ${sum}${k}_${o}_${r} = vec4f();`),
    "{",
    ...columns.map(({ k, column }) => `let column${k} = ${column};`),
    `for (var i = 0u; i < ${end}; i += ${unrolled}u) {`,
    ...range(unrolled).flatMap(step),
    "}",
    "}",
  ];
}

/** Statements for each vector of an output of other rows, given the row, the vector's index, and its accumulator. */
export function forEachOtherSum(
  head: TiledHead,
  sum: string,
  options: { readonly from: string; readonly end: string },
  statements: (row: string, vector: string, value: string) => readonly string[],
): string[] {
  return otherSumsOf(head).flatMap(({ k, o, r }) => {
    const row = `${options.from} + 4u * (ty + ${o * head.down}u) + ${r}u`;
    const vector = `tx + ${k * ACROSS}u`;
    const isWhole = (k + 1) * ACROSS <= head.vectors;
    return [
      `if (${row} < ${options.end}${isWhole ? "" : ` && ${vector} < ${head.vectors}u`}) {`,
      ...statements(row, vector, `${sum}${k}_${o}_${r}`),
      "}",
    ];
  });
}

/** Statements that write an output, times `factor(g, r)`. `accumulate` is 0 to overwrite. */
export function writeSums(
  head: TiledHead,
  sum: string,
  array: string,
  options: { readonly size: string; readonly factor: (g: number, r: number) => string; readonly accumulate: string },
): string[] {
  return range(head.ownFours).flatMap((g) =>
    range(4).flatMap((r) => [
      `if (own${g}.${LANES[r]} < ${options.size}) {`,
      `  let index = ${headIndex(head, array, `b * ${options.size} + own${g}.${LANES[r]}`)};`,
      ...head.chunks.flatMap((chunk) =>
        columnsOf(chunk).flatMap(({ k, isWhole }) => {
          const vector = `tx + ${k * ACROSS}u`;
          const write = `write_${array}(index, ${vector}, ${sum}${k}_${g}_${r} * ${
            options.factor(g, r)
          }, ${options.accumulate});`;
          return isWhole
            ? [`  ${write}`]
            : [`  if (${vector} < ${chunk.first + chunk.count}u) {`, `    ${write}`, "  }"];
        })
      ),
      "}",
    ])
  );
}
