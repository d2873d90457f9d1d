import {
  accumulates,
  declarations,
  type Divisibility,
  LANES,
  lines,
  type MatmulKernel,
  range,
} from "./matmul_source.ts";
import { stageColumns, stagedBytes, type StagedOperand, stageRows } from "./matmul_staging.ts";

/** How a workgroup shares out a tile of C. */
export interface Tile {
  /** Rows and columns of C per workgroup, and the depth of K that is staged at once. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Invocations along the columns and along the rows. */
  readonly across: number;
  readonly down: number;
}

/** What of a call's sizes is baked into the source. */
export interface TiledOptions extends Divisibility {
  /** K (of each split) is a multiple of the tile's depth, so no read lies past the end. */
  readonly wholeK: boolean;
  /** K is split over workgroups, each writing its own partial C; sum_partials adds them up. */
  readonly splitK: boolean;
}

/** Rows of tiles that are gone through together, so that neighbours in time share both A and B in the cache. */
const GROUP_ROWS = 8;

/** Bytes of workgroup memory that a tile takes. */
export function tileBytes(kernel: MatmulKernel, tile: Tile): number {
  return stagedBytes(kernel.a.layout, tile.m, tile.k) + stagedBytes(kernel.b.layout, tile.n, tile.k);
}

/**
 * Invocations read whole vectors of 4, each as many as every other, and have a whole number of elements of C, in vectors
 * along its columns. A tile that does not come out even would be staged in part.
 * @throws {RangeError} Naming what does not come out even.
 */
export function requireTile({ name, a, b }: MatmulKernel, { m, n, k, across, down }: Tile): void {
  const workgroup = across * down;
  const conditions: [isMet: boolean, what: string][] = [
    [[m, n, k, across, down].every((size) => Number.isInteger(size) && size > 0), "positive whole numbers"],
    [k % 4 === 0, "k a multiple of 4"],
    [m % (a.layout === "rows" ? down : 4 * down) === 0, `m a multiple of ${a.layout === "rows" ? "" : "4 · "}down`],
    [n % (4 * across) === 0, "n a multiple of 4 · across"],
    [m * k % (4 * workgroup) === 0, "m · k a multiple of 4 · across · down"],
    [n * k % (4 * workgroup) === 0, "n · k a multiple of 4 · across · down"],
  ];
  const missed = conditions.find(([isMet]) => !isMet);
  if (missed === undefined) return;
  throw new RangeError(
    `Cannot tile ${name} by ${m} x ${n} x ${k} with ${across} invocations across and ${down} down: must have ${
      missed[1]
    }` +
      ` (${a.name} is staged by ${a.layout}, ${b.name} by ${b.layout})`,
  );
}

/**
 * The source of a matrix multiplication in which a workgroup stages tiles of A and B in workgroup memory, and each
 * invocation keeps a tile of C in registers. The next tiles are read into registers while the present ones are used.
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
  const cVec4 = options.cVec4 && kernel.b.layout === "columns";
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
// Rows of tiles that are gone through together, so that neighbours in time share both A and B in the cache.
const GROUP_ROWS = ${GROUP_ROWS}u;

${declarations(kernel, { ...options, cVec4, c: target, extra: split ? ["split_k"] : [] })}

${a.declaration}
${b.declaration}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let M = params.${kernel.sizes.M};
  let N = params.${kernel.sizes.N};
  let K = params.${kernel.sizes.K};
  let tiles_m = (M + TILE_M - 1u) / TILE_M;
  let tiles_n = (N + TILE_N - 1u) / TILE_N;
  let index = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;
  let split = index / (tiles_m * tiles_n);
  let k_start = split * ${split ? "params.split_k" : "K"};
  if (k_start >= K) {
    return;
  }
  let k_end = ${split ? "min(k_start + params.split_k, K)" : "K"};
  let tile = index % (tiles_m * tiles_n);
  let group = tile / (GROUP_ROWS * tiles_n);
  let group_rows = min(tiles_m - group * GROUP_ROWS, GROUP_ROWS);
  let in_group = tile % (GROUP_ROWS * tiles_n);
  let row = (group * GROUP_ROWS + in_group % group_rows) * TILE_M;
  let column = in_group / group_rows * TILE_N;
  let invocation_row = local / ACROSS;
  let invocation_column = local % ACROSS;
${lines(2, [...a.prepare, ...b.prepare, ...sums.map((sum) => `var ${sum} = vec4f();`)])}
  var k = k_start;
${lines(2, [...a.fetch, ...b.fetch])}
  loop {
    workgroupBarrier();
${lines(4, [...a.stage, ...b.stage])}
    workgroupBarrier();
    k += TILE_K;
    if (k < k_end) {
${lines(6, [...a.fetch, ...b.fetch])}
    }
${lines(4, range(tile.k / 4).flatMap((depth) => multiply(a, b, m, fours, depth)))}
    if (k >= k_end) {
      break;
    }
  }
${split ? "  let target_start = split * M * N;\n" : ""}${
    lines(2, range(m).flatMap((i) => storeRow(kernel, { a, b, target, cVec4, split }, i, fours)))
  }
}
`;
}

function dispatchNote(kernel: MatmulKernel, split: boolean): string[] {
  if (split) {
    return [
      "// Split s takes the steps s * split_k <= k < (s + 1) * split_k and overwrites partials[s]; partials: (splits, M, N).",
      "// Dispatch tiles * splits, folded into two dimensions.",
    ];
  }
  const adds = accumulates(kernel) ? ", or adds to it where accumulate is 1" : "";
  return [`// Dispatch tiles, folded into two dimensions. Overwrites ${kernel.c}${adds}.`];
}

function operands(kernel: MatmulKernel, tile: Tile, options: TiledOptions): { a: StagedOperand; b: StagedOperand } {
  const shared = { depth: tile.k, workgroup: tile.across * tile.down, wholeK: options.wholeK };
  const stage = (layout: string) => layout === "rows" ? stageRows : stageColumns;
  return {
    a: stage(kernel.a.layout)({
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
    b: stage(kernel.b.layout)({
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

function multiply(a: StagedOperand, b: StagedOperand, m: number, fours: number, depth: number): string[] {
  return [
    ...a.load(depth),
    ...b.load(depth),
    ...range(4).flatMap((lane) => [
      ...range(fours).map((j) => `let right${depth}_${lane}_${j} = ${b.vector(depth, lane, j)};`),
      ...range(m).flatMap((i) =>
        range(fours).map((j) => `sum${i}_${j} += ${a.element(depth, lane, i)} * right${depth}_${lane}_${j};`)
      ),
    ]),
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
  const index = `${split ? "target_start + " : ""}(${row}) * N + ${column}`;
  const element = `${target}[${width === 4 ? `(${index}) / 4u` : index}]`;
  const statements = accumulates(kernel) && !split
    ? ["if (params.accumulate != 0u) {", `  ${element} += ${value};`, "} else {", `  ${element} = ${value};`, "}"]
    : [`${element} = ${value};`];
  return [`if (${column} < N) {`, ...statements.map((line) => `  ${line}`), "}"];
}
