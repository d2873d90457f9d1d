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

/** Invocations in a workgroup. */
export const DIRECT_WORKGROUP = 64;

/** Rows and columns of C that one invocation computes. */
export interface DirectTile {
  readonly m: number;
  readonly n: number;
}

/**
 * The source of a matrix multiplication in which every invocation computes a tile of C straight from memory, with the
 * tile in registers and no workgroup memory: for small shapes, and for CPUs that pose as GPUs.
 *
 * The loop over k takes four steps at once where K is a multiple of 4; everything inside is unrolled, because naga does
 * not unroll loops and checks the bounds of arrays with computed indices. Rows and columns past the edge are read as
 * the last ones, and not written.
 */
export function directMatmul(kernel: MatmulKernel, tile: DirectTile, divides: Divisibility, kBy4: boolean): string {
  const step = kBy4 ? 4 : 1;
  const a = operand(kernel, "a", tile.m, divides.aVec4, step, "M");
  const b = operand(kernel, "b", tile.n, divides.bVec4, step, "N");
  const fours = tile.n % 4 === 0 ? tile.n / 4 : 0;
  const columns = fours > 0 ? range(fours) : range(tile.n);
  const type = fours > 0 ? "vec4f" : "f32";
  const right = (k: number, j: number) =>
    fours > 0 ? `vec4f(${range(4).map((lane) => b.element(4 * j + lane, k)).join(", ")})` : b.element(j, k);

  const body = range(step).flatMap((k) => [
    ...columns.map((j) => `let right${k}_${j} = ${b.vector?.(j, k) ?? right(k, j)};`),
    ...range(tile.m).flatMap((i) => columns.map((j) => `sum${i}_${j} += ${a.element(i, k)} * right${k}_${j};`)),
  ]);
  return `// ${kernel.name}, direct: ${kernel.formula}
// One invocation per ${tile.m} x ${tile.n} tile of ${kernel.c}; dispatch ceil(tiles / ${DIRECT_WORKGROUP}), folded into two dimensions.
// ${accumulates(kernel) ? `Overwrites ${kernel.c}, or adds to it where accumulate is 1.` : `Overwrites ${kernel.c}.`}

const WORKGROUP = ${DIRECT_WORKGROUP}u;
const TILE_M = ${tile.m}u;
const TILE_N = ${tile.n}u;

${declarations(kernel, { ...divides, c: kernel.c })}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let M = params.${kernel.sizes.M};
  let N = params.${kernel.sizes.N};
  let K = params.${kernel.sizes.K};
  let tiles_n = (N + TILE_N - 1u) / TILE_N;
${lines(2, tileOfInvocation(kernel))}
  let row = tile / tiles_n * TILE_M;
  let column = tile % tiles_n * TILE_N;
  if (row >= M) {
    return;
  }
${lines(2, [...a.offsets("row"), ...b.offsets("column")])}
${lines(2, range(tile.m).flatMap((i) => columns.map((j) => `var sum${i}_${j} = ${type}();`)))}
  for (var k = 0u; k < K; k += ${step}u) {
${lines(4, [...a.loads, ...b.loads, ...body])}
  }
${lines(2, range(tile.m).flatMap((i) => store(kernel, divides, i, tile.n, fours)))}
}
`;
}

/** How the generated code names what it has read of one operand. */
interface Operand {
  /** Statements before the loop: where each row (or column) starts. */
  readonly offsets: (base: string) => string[];
  /** Statements that read the loop's step. */
  readonly loads: string[];
  /** Element i of the tile at step k, a scalar. */
  readonly element: (i: number, k: number) => string;
  /** Elements 4i … 4i + 3 of the tile at step k, where they were read as one vector. */
  readonly vector?: (i: number, k: number) => string;
}

/** Statements that find an invocation's tile, and, in a batch, whose product's it is. */
function tileOfInvocation({ batch }: MatmulKernel): string[] {
  const index = "(params.first_workgroup + workgroup.y * workgroups.x + workgroup.x) * WORKGROUP + local";
  if (batch === undefined) return [`let tile = ${index};`];
  return [
    "let tiles = (M + TILE_M - 1u) / TILE_M * tiles_n;",
    `let index = ${index};`,
    "let batch_index = index / tiles;",
    `if (batch_index >= params.${batch}) {`,
    "  return;",
    "}",
    "let tile = index % tiles;",
  ];
}

function operand(
  kernel: MatmulKernel,
  prefix: "a" | "b",
  count: number,
  vec4: boolean,
  step: number,
  size: string,
): Operand {
  const array = kernel[prefix];
  const at = (i: number) => `${prefix}_at${i}`;
  const row = (k: number) => rowInBatch(kernel, "K", `(k + ${k}u)`);
  if (array.layout === "rows") {
    const K = vec4 ? "(K / 4u)" : "K";
    return {
      offsets: (base) =>
        range(count).map((i) =>
          `let ${at(i)} = ${rowInBatch(kernel, size, `min(${base} + ${i}u, ${size} - 1u)`)} * ${K};`
        ),
      loads: range(count).map((i) => `let ${prefix}${i} = ${array.name}[${at(i)} + ${vec4 ? "k / 4u" : "k"}];`),
      element: (i, k) => vec4 ? `${prefix}${i}.${LANES[k]}` : `${prefix}${i}`,
    };
  }
  if (vec4 && count % 4 === 0) {
    const offset = (base: string, g: number) => `min(${base} / 4u + ${g}u, ${size} / 4u - 1u)`;
    return {
      offsets: (base) => range(count / 4).map((g) => `let ${at(g)} = ${offset(base, g)};`),
      loads: range(step).flatMap((k) =>
        range(count / 4).map((g) => `let ${prefix}${k}_${g} = ${array.name}[${row(k)} * (${size} / 4u) + ${at(g)}];`)
      ),
      element: (i, k) => `${prefix}${k}_${i >> 2}.${LANES[i & 3]}`,
      vector: (g, k) => `${prefix}${k}_${g}`,
    };
  }
  return {
    offsets: (base) => range(count).map((i) => `let ${at(i)} = min(${base} + ${i}u, ${size} - 1u);`),
    loads: range(step).flatMap((k) =>
      range(count).map((i) => `let ${prefix}${k}_${i} = ${array.name}[${row(k)} * ${size} + ${at(i)}];`)
    ),
    element: (i, k) => `${prefix}${k}_${i}`,
  };
}

function store(kernel: MatmulKernel, divides: Divisibility, i: number, n: number, fours: number): string[] {
  const statements = fours > 0 && divides.cVec4
    ? range(fours).flatMap((j) => write(kernel, `N / 4u`, `(column / 4u + ${j}u)`, "N / 4u", i, `sum${i}_${j}`))
    : range(n).flatMap((j) =>
      write(kernel, "N", `(column + ${j}u)`, "N", i, fours > 0 ? `sum${i}_${j >> 2}.${LANES[j & 3]}` : `sum${i}_${j}`)
    );
  return [`if (row + ${i}u < M) {`, ...statements.map((line) => `  ${line}`), "}"];
}

function write(kernel: MatmulKernel, stride: string, column: string, end: string, i: number, value: string): string[] {
  const target = `${kernel.c}[${rowInBatch(kernel, "M", `(row + ${i}u)`)} * (${stride}) + ${column}]`;
  if (!accumulates(kernel)) return [`if (${column} < ${end}) {`, `  ${target} = ${value};`, "}"];
  return [
    `if (${column} < ${end}) {`,
    "  if (params.accumulate != 0u) {",
    `    ${target} += ${value};`,
    "  } else {",
    `    ${target} = ${value};`,
    "  }",
    "}",
  ];
}
