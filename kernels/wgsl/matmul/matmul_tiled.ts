import {
  accumulates,
  declarations,
  type Divisibility,
  LANES,
  lines,
  type MatmulKernel,
  range,
  rowInBatch,
} from "./matmul_source.ts";
import { dispatchNote, GROUP_CONSTANT, placeOfTile } from "./matmul_tile_place.ts";
import { type StagedOperand, stageOperand } from "./matmul_staging.ts";
import { requireTile, type Tile } from "./matmul_tile.ts";

/** What of a call's sizes is baked into the source. */
export interface TiledOptions extends Divisibility {
  /** K (of each split) is a multiple of the tile's depth, so no read lies past the end. */
  readonly wholeK: boolean;
  /** K is split over workgroups, each writing its own partial C; sum_partials adds them up. */
  readonly splitK: boolean;
}

/**
 * The source of a matrix multiplication in which a workgroup stages tiles of A and B in workgroup memory, and each
 * invocation keeps a tile of C in registers. The next tiles are read into registers while the present ones are used, and
 * go to the other half of workgroup memory, so that one barrier a tile is enough.
 *
 * Inner loops are unrolled and inner indices constant: naga unrolls nothing, and clamps computed indices into workgroup
 * memory. Rows and columns past the edge of C are read as the last ones, and not written.
 *
 * @throws {RangeError} If the tile cannot be shared out evenly: see `requireTile`.
 */
export function tiledMatmul(kernel: MatmulKernel, tile: Tile, options: TiledOptions): string {
  requireTile(kernel, tile);
  const { a, b } = operands(kernel, tile, options);
  const m = tile.m / tile.down;
  const fours = tile.n / tile.across / 4;
  const target = options.splitK ? "partials" : kernel.c;
  const { cVec4 } = options;
  const sums = range(m).flatMap((i) => range(fours).map((j) => `sum${i}_${j}`));
  const split = options.splitK;

  return `// ${kernel.name}, tiled ${tile.m} x ${tile.n} x ${tile.k}${split ? ", K split" : ""}: ${kernel.formula}
// One workgroup per ${tile.m} x ${tile.n} tile of ${kernel.c}, ${m} x ${4 * fours} of it per invocation.
${lines(0, dispatchNote(kernel, split))}

const WORKGROUP = ${tile.across * tile.down}u;
const ACROSS = ${tile.across}u;
const TILE_M = ${tile.m}u;
const TILE_N = ${tile.n}u;
const TILE_K = ${tile.k}u;
${GROUP_CONSTANT}

${declarations(kernel, { ...options, c: target, extra: split ? ["split_k"] : [] })}

${a.declaration}
${b.declaration}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
${lines(2, placeOfTile(kernel, split))}
${lines(2, invocationPlace(tile))}
${lines(2, [...a.prepare, ...b.prepare, ...sums.map((sum) => `var ${sum} = vec4f();`)])}
  var k = k_start;
${lines(2, [...a.fetch, ...b.fetch, ...a.stage(0), ...b.stage(0)])}
  workgroupBarrier();
  loop {
${lines(4, range(2).flatMap((half) => useTile({ a, b }, tile, half)))}
  }
${split ? "  let target_start = split * M * N;\n" : ""}${
    lines(2, range(m).flatMap((i) => storeRow(kernel, { a, b, target, cVec4, split }, i, fours)))
  }
}
`;
}

function operands(kernel: MatmulKernel, tile: Tile, options: TiledOptions): { a: StagedOperand; b: StagedOperand } {
  const shared = { batch: kernel.batch, depth: tile.k, workgroup: tile.across * tile.down, wholeK: options.wholeK };
  return {
    a: stageOperand({
      ...shared,
      prefix: "a",
      array: kernel.a,
      size: "M",
      base: "row",
      invocation: "invocation_row",
      count: tile.m,
      sharers: tile.down,
      vec4: options.aVec4,
    }),
    b: stageOperand({
      ...shared,
      prefix: "b",
      array: kernel.b,
      size: "N",
      base: "column",
      invocation: "invocation_column",
      count: tile.n,
      sharers: tile.across,
      vec4: options.bVec4,
    }),
  };
}

/**
 * Statements that find which share of the tile is an invocation's. 32 in a row, which a GPU runs together, have 4 rows of
 * shares by 8 columns where that comes out even: they read 12 different vectors a step, and not 18 as 2 by 16 do.
 */
function invocationPlace({ across, down }: Tile): string[] {
  if (across % 8 !== 0 || down % 4 !== 0) {
    return ["let invocation_row = local / ACROSS;", "let invocation_column = local % ACROSS;"];
  }
  return [
    "let block = local / 32u;",
    "let invocation_row = block / (ACROSS / 8u) * 4u + local % 32u / 8u;",
    "let invocation_column = block % (ACROSS / 8u) * 8u + local % 8u;",
  ];
}

/** Statements that add one half's tile to the sums, while the next tile is on its way to the other half. */
function useTile({ a, b }: { a: StagedOperand; b: StagedOperand }, tile: Tile, half: number): string[] {
  return [
    "k += TILE_K;",
    "if (k < k_end) {",
    ...[...a.fetch, ...b.fetch].map((line) => `  ${line}`),
    "}",
    ...range(tile.k).flatMap((step) => [
      "{",
      ...[...a.load(half, step), ...b.load(half, step)].map((line) => `  ${line}`),
      ...range(tile.m / tile.down).flatMap((i) =>
        range(tile.n / tile.across / 4).map((j) => `  sum${i}_${j} += ${a.element(i)} * ${b.vector(j)};`)
      ),
      "}",
    ]),
    "if (k >= k_end) {",
    "  break;",
    "}",
    ...a.stage(1 - half),
    ...b.stage(1 - half),
    "workgroupBarrier();",
  ];
}

interface StoreOptions {
  readonly a: StagedOperand;
  readonly b: StagedOperand;
  readonly target: string;
  readonly cVec4: boolean;
  readonly split: boolean;
}

function storeRow(kernel: MatmulKernel, options: StoreOptions, i: number, fours: number): string[] {
  const { a, b, cVec4 } = options;
  const row = `row + ${a.position(i)}`;
  const stores = range(fours).flatMap((j) =>
    cVec4
      ? store(kernel, options, row, `(column + ${b.position(4 * j)})`, `sum${i}_${j}`, 4)
      : LANES.flatMap((lane, c) =>
        store(kernel, options, row, `(column + ${b.position(4 * j + c)})`, `sum${i}_${j}.${lane}`, 1)
      )
  );
  return [`if (${row} < M) {`, ...stores.map((line) => `  ${line}`), "}"];
}

function store(
  kernel: MatmulKernel,
  { target, split }: StoreOptions,
  row: string,
  column: string,
  value: string,
  width: number,
): string[] {
  const index = `${split ? "target_start + " : ""}${rowInBatch(kernel, "M", `(${row})`)} * N + ${column}`;
  const element = `${target}[${width === 4 ? `(${index}) / 4u` : index}]`;
  const statements = accumulates(kernel) && !split
    ? ["if (params.accumulate != 0u) {", `  ${element} += ${value};`, "} else {", `  ${element} = ${value};`, "}"]
    : [`${element} = ${value};`];
  return [`if (${column} < N) {`, ...statements.map((line) => `  ${line}`), "}"];
}
