import { LANES, type MatmulKernel, range } from "./matmul_source.ts";
import { loadMatrix, MATRIX, type MatrixUse, type SubgroupMatrices } from "./subgroup_matrix.ts";

/** One operand of a matrix multiplication by subgroup matrices. */
export interface MatrixOperandOptions {
  /** What its names in the generated code start with. */
  readonly prefix: string;
  readonly use: MatrixUse;
  readonly array: MatmulKernel["a"];
  /** The operand's size along C, by its name in the generated code: M or N. */
  readonly size: string;
  /** Where the workgroup's tile starts along that size, and the subgroup's part in the tile, by their names. */
  readonly base: string;
  readonly part: string;
  /** Elements of the tile along that size, and steps of k. */
  readonly count: number;
  readonly depth: number;
  /** Invocations of the workgroup. */
  readonly workgroup: number;
  /** Tiles in workgroup memory: with two, one is filled while the other is read. */
  readonly buffers: 1 | 2;
  /** The array is bound as vec4. */
  readonly vec4: boolean;
  /** It holds f16, so that nothing is lost between memory and workgroup memory, and nothing converted. */
  readonly half: boolean;
  /** No read lies past the end of k. */
  readonly wholeK: boolean;
}

/** How the generated code moves one operand from memory to registers to workgroup memory to matrices. */
export interface MatrixOperand {
  /** The workgroup array. */
  readonly declaration: string;
  /** Before the loop: where each of an invocation's reads starts, and the registers that hold what it reads. */
  readonly prepare: string[];
  /** Memory to registers, from step `k` on. */
  readonly fetch: string[];
  /** Registers to workgroup memory. */
  readonly stage: string[];
  /** The matrix of the steps MATRIX depth … of the tile, at element MATRIX i of the subgroup's part. */
  readonly load: (depth: number, i: number) => string;
}

/**
 * Elements between two staged rows, 16 bytes of them unused: subgroups load a matrix by stretches of 16 bytes of 8 rows,
 * which so lie in different banks.
 */
function paddedRow(length: number): number {
  return length + 8;
}

/** Elements of one tile in workgroup memory. */
function tileElements(layout: MatmulKernel["a"]["layout"], count: number, depth: number): number {
  return layout === "rows" ? count * paddedRow(depth) : depth * paddedRow(count);
}

/** Bytes of workgroup memory that an operand takes. */
export function matrixStagedBytes(
  layout: MatmulKernel["a"]["layout"],
  count: number,
  depth: number,
  buffers: 1 | 2,
): number {
  return 2 * buffers * tileElements(layout, count, depth);
}

/** The code for an operand of either layout. It is staged as it lies in memory: matrices load both ways. */
export function stageMatrices(matrices: SubgroupMatrices, options: MatrixOperandOptions): MatrixOperand {
  const { prefix, use, array, part, count, depth, workgroup, buffers, half } = options;
  const byRows = array.layout === "rows";
  const rowLength = byRows ? depth : count;
  const vectors = rowLength / 4;
  const stride = paddedRow(rowLength);
  const elements = tileElements(array.layout, count, depth);
  const fetches = range(count * depth / 4 / workgroup);
  const buffer = buffers === 2 ? `buffer * ${elements}u + ` : "";
  // Where staged element (row, 4 · vector) of a read lies.
  const row = (f: number) => `((local + ${f * workgroup}u) / ${vectors}u)`;
  const vector = (f: number) => `((local + ${f * workgroup}u) % ${vectors}u)`;
  const read = (f: number) => byRows ? readAlongK(options, vector(f), f) : readAcrossK(options, row(f), f);
  const start = (f: number) => byRows ? startOfRow(options, row(f), vector(f)) : startOfColumn(options, vector(f));
  // The matrix's rows are the array's where k runs along its rows: those of a right matrix run along n.
  const order = byRows === (use === "left") ? "row_major" : "col_major";
  return {
    declaration: `var<workgroup> ${prefix}_tile: array<f16, ${buffers * elements}>;`,
    prepare: fetches.flatMap((f) => [
      `let ${prefix}_at${f} = ${start(f)};`,
      `let ${prefix}_to${f} = ${row(f)} * ${stride}u + 4u * ${vector(f)};`,
      `var ${prefix}_next${f} = ${half ? "vec4h" : "vec4f"}();`,
    ]),
    fetch: fetches.map((f) => `${prefix}_next${f} = ${half ? `vec4h(${read(f)})` : read(f)};`),
    stage: fetches.flatMap((f) =>
      LANES.map((lane, i) => `${prefix}_tile[${buffer}${prefix}_to${f} + ${i}u] = f16(${prefix}_next${f}.${lane});`)
    ),
    load: (step, i) => {
      const [along, across] = [`${MATRIX * step}u`, `(${part} + ${MATRIX * i}u)`];
      const at = byRows ? `${across} * ${stride}u + ${along}` : `${along} * ${stride}u + ${across}`;
      return loadMatrix(matrices, use, `${prefix}_tile`, buffer + at, order, `${stride}u`);
    },
  };
}

/** Rows past the edge are read as the last one: what comes of them is not written. */
function startOfRow({ base, size }: MatrixOperandOptions, row: string, vector: string): string {
  return `min(${base} + ${row}, ${size} - 1u) * K + 4u * ${vector}`;
}

function startOfColumn({ base, size, vec4 }: MatrixOperandOptions, vector: string): string {
  return vec4 ? `min(${base} / 4u + ${vector}, ${size} / 4u - 1u)` : `${base} + 4u * ${vector}`;
}

/** Four steps of k of one row. */
function readAlongK({ prefix, array, vec4, wholeK }: MatrixOperandOptions, vector: string, f: number): string {
  if (!vec4) {
    const lanes = range(4).map((lane) =>
      `select(0.0, ${array.name}[${prefix}_at${f} + k + ${lane}u], k + 4u * ${vector} + ${lane}u < k_end)`
    );
    return `vec4f(${lanes.join(", ")})`;
  }
  const value = `${array.name}[(${prefix}_at${f} + k) / 4u]`;
  return wholeK ? value : `select(vec4f(), ${value}, k + 4u * ${vector} < k_end)`;
}

/** Four neighbours of one step of k. */
function readAcrossK({ prefix, array, size, vec4, wholeK }: MatrixOperandOptions, step: string, f: number): string {
  const lanes = range(4).map((lane) =>
    `${array.name}[(k + ${step}) * ${size} + min(${prefix}_at${f} + ${lane}u, ${size} - 1u)]`
  );
  const value = vec4
    ? `${array.name}[(k + ${step}) * (${size} / 4u) + ${prefix}_at${f}]`
    : `vec4f(${lanes.join(", ")})`;
  return wholeK ? value : `select(vec4f(), ${value}, k + ${step} < k_end)`;
}
