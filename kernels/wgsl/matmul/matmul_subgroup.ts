import { declarations, type Divisibility, indented, lines, type MatmulKernel, range } from "./matmul_source.ts";
import { dispatchNote, GROUP_CONSTANT, placeOfTile } from "./matmul_tile_place.ts";
import { loadSums, storeSums, storeThroughMemory, stripElements } from "./matmul_subgroup_result.ts";
import { type MatrixOperand, stageMatrices } from "./matmul_subgroup_staging.ts";
import { type MatrixTile, requireMatrixTile } from "./matmul_subgroup_tile.ts";
import { MATRIX, MATRIX_DIRECTIVES, matrixType, type SubgroupMatrices } from "./subgroup_matrix.ts";

/** What of a call's sizes and arrays is baked into the source. */
export interface MatrixOptions extends Divisibility {
  /** K (of each split) is a multiple of the tile's depth, so no read lies past the end. */
  readonly wholeK: boolean;
  /** K is split over workgroups, each writing its own partial C; sum_partials adds them up. */
  readonly splitK: boolean;
  /** A and B hold f16, not f32. */
  readonly aHalf: boolean;
  readonly bHalf: boolean;
  /** C holds f32 and is whole tiles: subgroups load and store it by themselves, past workgroup memory. */
  readonly direct: boolean;
}

/**
 * The source of a matrix multiplication on subgroup matrices: a workgroup stages tiles of A and B in workgroup memory, in
 * f16, and each of its subgroups keeps its part of C as matrices of f32. The next tiles are read into registers while the
 * present ones are used.
 *
 * Rows and columns past the edge of C are read as the last ones, and not written.
 *
 * @throws {RangeError} If the tile cannot be shared out evenly: see `requireMatrixTile`.
 */
export function subgroupMatmul(
  kernel: MatmulKernel,
  tile: MatrixTile,
  matrices: SubgroupMatrices,
  options: MatrixOptions,
): string {
  requireMatrixTile(kernel, tile, matrices.lanes);
  const { a, b } = operands(kernel, tile, matrices, options);
  const { splitK: split, direct } = options;
  const target = split ? "partials" : kernel.c;
  const part = { m: tile.m / tile.down, n: tile.n / tile.across };
  const strips = range(part.m / MATRIX).map((i) => range(part.n / MATRIX).map((j) => ({ i, j, sum: `sum${i}_${j}` })));
  const blocks = strips.flat();
  const cVec4 = options.cVec4 && !direct;
  const store = { kernel, matrices, target, split, cVec4 };

  return `// ${kernel.name}, subgroup matrices, tiled ${tile.m} x ${tile.n} x ${tile.k}${
    split ? ", K split" : ""
  }: ${kernel.formula}
// One workgroup per ${tile.m} x ${tile.n} tile of ${kernel.c}, ${part.m} x ${part.n} of it per subgroup.
${lines(0, dispatchNote(kernel, split))}

${MATRIX_DIRECTIVES}

const WORKGROUP = ${tile.across * tile.down * matrices.lanes}u;
const ACROSS = ${tile.across}u;
const TILE_M = ${tile.m}u;
const TILE_N = ${tile.n}u;
const TILE_K = ${tile.k}u;
${GROUP_CONSTANT}

${declarations(kernel, { ...options, cVec4, c: target, extra: split ? ["split_k"] : [] })}

${a.declaration}
${b.declaration}
${
    direct ? "" : `// For each subgroup a strip of its part on its way to ${target}.
var<workgroup> results: array<f32, ${tile.across * tile.down * stripElements(part.n)}>;
`
  }
@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
${lines(2, placeOfTile(kernel, split))}
  let part_row = subgroup / ACROSS * ${part.m}u;
  let part_column = subgroup % ACROSS * ${part.n}u;
${split ? "  let target_start = split * M * N;\n" : ""}${
    lines(2, [
      ...blocks.map(({ sum }) => `var ${sum} = ${matrixType("result")}();`),
      ...direct ? loadSums(store, blocks) : [],
      ...a.prepare,
      ...b.prepare,
    ])
  }
  var k = k_start;
${lines(2, [...a.fetch, ...b.fetch])}
${lines(2, tile.buffers === 2 ? loopOverTwo(a, b, tile, part) : loopOverOne(a, b, tile, part))}
${lines(2, direct ? storeSums(store, blocks) : strips.flatMap((strip) => storeThroughMemory(store, strip, part.n)))}
}
`;
}

interface Part {
  readonly m: number;
  readonly n: number;
}

function operands(
  kernel: MatmulKernel,
  tile: MatrixTile,
  matrices: SubgroupMatrices,
  options: MatrixOptions,
): { a: MatrixOperand; b: MatrixOperand } {
  const { wholeK } = options;
  const workgroup = tile.across * tile.down * matrices.lanes;
  const shared = { depth: tile.k, workgroup, buffers: tile.buffers, wholeK };
  return {
    a: stageMatrices(matrices, {
      ...shared,
      prefix: "a",
      use: "left",
      array: kernel.a,
      size: "M",
      base: "row",
      part: "part_row",
      count: tile.m,
      vec4: options.aVec4,
      half: options.aHalf,
    }),
    b: stageMatrices(matrices, {
      ...shared,
      prefix: "b",
      use: "right",
      array: kernel.b,
      size: "N",
      base: "column",
      part: "part_column",
      count: tile.n,
      vec4: options.bVec4,
      half: options.bHalf,
    }),
  };
}

/** All are to have read a tile before it is overwritten, and all to have written before it is read: two barriers a step. */
function loopOverOne(a: MatrixOperand, b: MatrixOperand, tile: MatrixTile, part: Part): string[] {
  return [
    "loop {",
    ...indented([
      "workgroupBarrier();",
      ...a.stage,
      ...b.stage,
      "workgroupBarrier();",
      "k += TILE_K;",
      "if (k < k_end) {",
      ...indented([...a.fetch, ...b.fetch]),
      "}",
      ...multiply(a, b, tile, part),
      "if (k >= k_end) {",
      "  break;",
      "}",
    ]),
    "}",
  ];
}

/** The next tile goes where nobody has read since the last barrier. */
function loopOverTwo(a: MatrixOperand, b: MatrixOperand, tile: MatrixTile, part: Part): string[] {
  return [
    "var buffer = 0u;",
    ...a.stage,
    ...b.stage,
    "loop {",
    ...indented([
      "workgroupBarrier();",
      "k += TILE_K;",
      "if (k < k_end) {",
      ...indented([...a.fetch, ...b.fetch]),
      "}",
      ...multiply(a, b, tile, part),
      "if (k >= k_end) {",
      "  break;",
      "}",
      "buffer = 1u - buffer;",
      ...a.stage,
      ...b.stage,
    ]),
    "}",
  ];
}

function multiply(a: MatrixOperand, b: MatrixOperand, tile: MatrixTile, part: Part): string[] {
  const [rows, columns] = [range(part.m / MATRIX), range(part.n / MATRIX)];
  return range(tile.k / MATRIX).flatMap((d) => [
    ...rows.map((i) => `let left${d}_${i} = ${a.load(d, i)};`),
    ...columns.flatMap((j) => [
      `let right${d}_${j} = ${b.load(d, j)};`,
      ...rows.map((i) =>
        `sum${i}_${j} = subgroupMatrixMultiplyAccumulate(left${d}_${i}, right${d}_${j}, sum${i}_${j});`
      ),
    ]),
  ]);
}
