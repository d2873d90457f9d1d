import { LANES, type MatmulKernel, range } from "./matmul_source.ts";

/** One operand of a tiled matrix multiplication. */
export interface OperandOptions {
  /** What its names in the generated code start with. */
  readonly prefix: string;
  readonly array: MatmulKernel["a"];
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

/** How the generated code moves one operand from memory to registers to workgroup memory to registers. */
export interface StagedOperand {
  /** The workgroup array. */
  readonly declaration: string;
  /** Before the loop: where each of an invocation's reads starts, and the registers that hold what it reads. */
  readonly prepare: string[];
  /** Memory to registers, from step `k` on. */
  readonly fetch: string[];
  /** Registers to workgroup memory. */
  readonly stage: string[];
  /** Workgroup memory to registers, for the steps 4 depth … 4 depth + 3 of the tile. */
  readonly load: (depth: number) => string[];
  /** Element i of the invocation's share at step 4 depth + lane, a scalar. */
  readonly element: (depth: number, lane: number, i: number) => string;
  /** Elements 4j … 4j + 3 of it, a vector. */
  readonly vector: (depth: number, lane: number, j: number) => string;
  /** Where element i of the invocation's share lies in the tile. */
  readonly position: (i: number) => string;
}

/**
 * Vectors from one staged row to the next: an odd number, so that invocations that read neighbouring rows at one depth
 * hit different banks of workgroup memory.
 */
function paddedDepth(k: number): number {
  return k / 4 % 2 === 0 ? k / 4 + 1 : k / 4;
}

/**
 * A workgroup array with a dimension of its own for the invocations that share the tile out: all other indices of the
 * inner loop are then constants, and naga clamps one index instead of one for each read.
 */
function workgroupArray(prefix: string, dimensions: readonly number[]): string {
  return `var<workgroup> ${prefix}_tile: ${dimensions.reduceRight((type, n) => `array<${type}, ${n}>`, "vec4f")};`;
}

/** Bytes of workgroup memory that an operand takes. */
export function stagedBytes(layout: MatmulKernel["a"]["layout"], count: number, k: number): number {
  return 16 * (layout === "rows" ? count * paddedDepth(k) : k * count / 4);
}

/** The code for an operand that has k last: each staged row is a stretch of k, read four steps at a time. */
export function stageRows(options: OperandOptions): StagedOperand {
  const { prefix, array, size, base, invocation, count, sharers, workgroup, vec4, wholeK } = options;
  const vectors = options.depth / 4;
  const fetches = range(count * vectors / workgroup);
  const row = (f: number) => `((local + ${f * workgroup}u) / ${vectors}u)`;
  const vector = (f: number) => `((local + ${f * workgroup}u) % ${vectors}u)`;
  const name = (depth: number, i: number) => `${prefix}${depth}_${i}`;
  const read = (f: number) => {
    if (!vec4) {
      const lanes = range(4).map((lane) =>
        `select(0.0, ${array.name}[${prefix}_at${f} + k + ${lane}u], k + 4u * ${vector(f)} + ${lane}u < k_end)`
      );
      return `vec4f(${lanes.join(", ")})`;
    }
    const value = `${array.name}[(${prefix}_at${f} + k) / 4u]`;
    return wholeK ? value : `select(vec4f(), ${value}, k + 4u * ${vector(f)} < k_end)`;
  };
  return {
    declaration: workgroupArray(prefix, [count / sharers, sharers, paddedDepth(options.depth)]),
    prepare: fetches.flatMap((f) => [
      `let ${prefix}_at${f} = min(${base} + ${row(f)}, ${size} - 1u) * K + 4u * ${vector(f)};`,
      `var ${prefix}_next${f} = vec4f();`,
    ]),
    fetch: fetches.map((f) => `${prefix}_next${f} = ${read(f)};`),
    stage: fetches.map((f) =>
      `${prefix}_tile[${row(f)} / ${sharers}u][${row(f)} % ${sharers}u][${vector(f)}] = ${prefix}_next${f};`
    ),
    load: (depth) =>
      range(count / sharers).map((i) => `let ${name(depth, i)} = ${prefix}_tile[${i}][${invocation}][${depth}];`),
    element: (depth, lane, i) => `${name(depth, i)}.${LANES[lane]}`,
    vector: (depth, lane, j) => `vec4f(${range(4).map((c) => `${name(depth, 4 * j + c)}.${LANES[lane]}`).join(", ")})`,
    position: (i) => `${invocation} + ${i * sharers}u`,
  };
}

/** The code for an operand that has k first: each staged row is one step of k. */
export function stageColumns(options: OperandOptions): StagedOperand {
  const { prefix, array, size, base, invocation, count, sharers, workgroup, vec4, wholeK } = options;
  const vectors = count / 4;
  const fetches = range(options.depth * vectors / workgroup);
  const step = (f: number) => `((local + ${f * workgroup}u) / ${vectors}u)`;
  const vector = (f: number) => `((local + ${f * workgroup}u) % ${vectors}u)`;
  const name = (depth: number, lane: number, g: number) => `${prefix}${depth}_${lane}_${g}`;
  const start = (f: number) =>
    vec4 ? `min(${base} / 4u + ${vector(f)}, ${size} / 4u - 1u)` : `${base} + 4u * ${vector(f)}`;
  const read = (f: number) => {
    const lanes = range(4).map((lane) =>
      `${array.name}[(k + ${step(f)}) * ${size} + min(${prefix}_at${f} + ${lane}u, ${size} - 1u)]`
    );
    const value = vec4
      ? `${array.name}[(k + ${step(f)}) * (${size} / 4u) + ${prefix}_at${f}]`
      : `vec4f(${lanes.join(", ")})`;
    return wholeK ? value : `select(vec4f(), ${value}, k + ${step(f)} < k_end)`;
  };
  return {
    declaration: workgroupArray(prefix, [options.depth, vectors / sharers, sharers]),
    prepare: fetches.flatMap((f) => [
      `let ${prefix}_at${f} = ${start(f)};`,
      `var ${prefix}_next${f} = vec4f();`,
    ]),
    fetch: fetches.map((f) => `${prefix}_next${f} = ${read(f)};`),
    stage: fetches.map((f) =>
      `${prefix}_tile[${step(f)}][${vector(f)} / ${sharers}u][${vector(f)} % ${sharers}u] = ${prefix}_next${f};`
    ),
    load: (depth) =>
      range(4).flatMap((lane) =>
        range(count / sharers / 4).map((g) =>
          `let ${name(depth, lane, g)} = ${prefix}_tile[${4 * depth + lane}][${g}][${invocation}];`
        )
      ),
    element: (depth, lane, i) => `${name(depth, lane, i >> 2)}.${LANES[i & 3]}`,
    vector: (depth, lane, j) => name(depth, lane, j),
    position: (i) => `4u * (${invocation} + ${(i >> 2) * sharers}u) + ${i & 3}u`,
  };
}
