import { LANES, type Layout, type MatmulKernel, range, rowInBatch } from "./matmul_source.ts";

/** One operand of a tiled matrix multiplication. */
export interface OperandOptions {
  /** What its names in the generated code start with. */
  readonly prefix: string;
  readonly array: MatmulKernel["a"];
  /** The kernel's constant that says how many products there are, if it has one. */
  readonly batch: string | undefined;
  /** The operand's size along C, by its name in the generated code: M or N. */
  readonly size: string;
  /** Where the tile starts along that size, by its name in the generated code. */
  readonly base: string;
  /** Which share of the tile an invocation reads, by its name in the generated code. */
  readonly invocation: string;
  /** Elements of the tile along that size, and steps of k. */
  readonly count: number;
  readonly depth: number;
  /** Invocations that share the tile out along that size, and in the whole workgroup. */
  readonly sharers: number;
  readonly workgroup: number;
  /** The array is bound as vec4. */
  readonly vec4: boolean;
  /** No read lies past the end of k. */
  readonly wholeK: boolean;
}

/**
 * How the generated code moves one operand from memory to registers to workgroup memory to registers. Workgroup memory
 * holds two tiles, so that one is filled while the other is used: `half` says which, 0 or 1.
 */
export interface StagedOperand {
  /** The workgroup array: (2, depth, count / 4) vectors, so that a step of k is a row. */
  readonly declaration: string;
  /** Before the loop: where each of an invocation's reads starts, and the registers that hold what it reads. */
  readonly prepare: string[];
  /** Memory to registers, from step `k` on. */
  readonly fetch: string[];
  /** Registers to workgroup memory. */
  readonly stage: (half: number) => string[];
  /** Workgroup memory to registers, for one step of the tile. */
  readonly load: (half: number, step: number) => string[];
  /** Element i of the invocation's share at the step that was loaded, a scalar. */
  readonly element: (i: number) => string;
  /** Elements 4j … 4j + 3 of it, a vector. */
  readonly vector: (j: number) => string;
  /** Where element i of the invocation's share lies in the tile. */
  readonly position: (i: number) => string;
}

/** Vectors from one step of k to the next: see `stageRows` for the padding. */
function rowVectors(layout: Layout, count: number): number {
  return layout === "rows" ? count / 4 + 1 : count / 4;
}

/** Bytes of workgroup memory that an operand takes. */
export function stagedBytes(layout: Layout, count: number, depth: number): number {
  return 2 * 16 * depth * rowVectors(layout, count);
}

/** The code for one operand, by where k lies in its array. */
export function stageOperand(options: OperandOptions): StagedOperand {
  const { prefix, invocation, count, depth, sharers } = options;
  const { layout } = options.array;
  const own = layout === "rows" ? stageRows(options) : stageColumns(options);
  const fetches = range(count * depth / 4 / options.workgroup);
  const name = (g: number) => `${prefix}${g}`;
  const group = (g: number) => g === 0 ? invocation : `${invocation} + ${g * sharers}u`;
  return {
    declaration: `var<workgroup> ${prefix}_tile: array<array<array<vec4f, ${
      rowVectors(layout, count)
    }>, ${depth}>, 2>;`,
    prepare: fetches.flatMap((f) => [
      `let ${prefix}_at${f} = ${own.start(f)};`,
      `var ${prefix}_next${f} = vec4f();`,
    ]),
    fetch: fetches.map((f) => `${prefix}_next${f} = ${own.read(f)};`),
    stage: (half) => fetches.flatMap((f) => own.store(f, half)),
    load: (half, step) =>
      range(count / sharers / 4).map((g) => `let ${name(g)} = ${prefix}_tile[${half}][${step}][${group(g)}];`),
    element: (i) => `${name(i >> 2)}.${LANES[i & 3]}`,
    vector: name,
    position: (i) => `4u * (${group(i >> 2)}) + ${i & 3}u`,
  };
}

/** An invocation's f-th read of a tile: where it starts, what it reads from step `k` on, and where that is stored. */
interface Reads {
  readonly start: (f: number) => string;
  readonly read: (f: number) => string;
  readonly store: (f: number, half: number) => string[];
}

/**
 * An operand that has k last. An invocation reads four steps of one row at once and stores them transposed, as scalars,
 * so that the inner loop reads whole vectors of rows, and none of what it reads lives longer than a step.
 *
 * Of 32 invocations in a row, 2 read neighbouring vectors and 16 neighbouring rows: 32 bytes are read in one piece, and,
 * with a step of k padded by one vector, all 32 scalars go to different banks of workgroup memory.
 */
function stageRows(options: OperandOptions): Reads {
  const { prefix, array, base, size, count, workgroup, depth, vec4, wholeK } = options;
  const vectors = depth / 4;
  const pair = vectors % 2 === 0 ? 2 : 1;
  const rows = [16, 8, 4, 2, 1].find((rows) => count % rows === 0)!;
  const local = (f: number) => f === 0 ? "local" : `(local + ${f * workgroup}u)`;
  const row = (f: number) => `(${local(f)} / ${pair}u % ${rows}u + ${rows}u * (${local(f)} / ${rows * vectors}u))`;
  const vector = (f: number) =>
    `(${local(f)} % ${pair}u + ${pair}u * (${local(f)} / ${pair * rows}u % ${vectors / pair}u))`;
  return {
    start: (f) => `${rowInBatch(options, size, `min(${base} + ${row(f)}, ${size} - 1u)`)} * K + 4u * ${vector(f)}`,
    read: (f) => {
      const at = `${prefix}_at${f} + k`;
      if (vec4) {
        const value = `${array.name}[(${at}) / 4u]`;
        return wholeK ? value : `select(vec4f(), ${value}, k + 4u * ${vector(f)} < k_end)`;
      }
      const lanes = range(4).map((lane) =>
        `select(0.0, ${array.name}[${at} + ${lane}u], k + 4u * ${vector(f)} + ${lane}u < k_end)`
      );
      return `vec4f(${lanes.join(", ")})`;
    },
    store: (f, half) =>
      LANES.map((lane, i) =>
        `${prefix}_tile[${half}][4u * ${vector(f)} + ${i}u][${row(f)} / 4u][${
          row(f)
        } % 4u] = ${prefix}_next${f}.${lane};`
      ),
  };
}

/** An operand that has k first: each row of it is one step of k, and is stored as it is read. */
function stageColumns(options: OperandOptions): Reads {
  const { prefix, array, base, size, count, workgroup, vec4, wholeK } = options;
  const vectors = count / 4;
  const local = (f: number) => f === 0 ? "local" : `(local + ${f * workgroup}u)`;
  const step = (f: number) => `(${local(f)} / ${vectors}u)`;
  const vector = (f: number) => `(${local(f)} % ${vectors}u)`;
  const row = (f: number) => rowInBatch(options, "K", `(k + ${step(f)})`);
  return {
    start: (f) => vec4 ? `min(${base} / 4u + ${vector(f)}, ${size} / 4u - 1u)` : `${base} + 4u * ${vector(f)}`,
    read: (f) => {
      const lanes = range(4).map((lane) =>
        `${array.name}[${row(f)} * ${size} + min(${prefix}_at${f} + ${lane}u, ${size} - 1u)]`
      );
      const value = vec4
        ? `${array.name}[${row(f)} * (${size} / 4u) + ${prefix}_at${f}]`
        : `vec4f(${lanes.join(", ")})`;
      return wholeK ? value : `select(vec4f(), ${value}, k + ${step(f)} < k_end)`;
    },
    store: (f, half) => [`${prefix}_tile[${half}][${step(f)}][${vector(f)}] = ${prefix}_next${f};`],
  };
}
