// How elementwise work is divided: as kernels/simd/work.ts does it.

/** Elements of a unit: a cache line of f32, so that no two workers write to the same line. */
export const LINE = 16;

/** Lines of a piece at least: some microseconds of work. */
export const LEAST_LINES = 256;

/** Lines that so many elements take. */
export function linesOf(elements: number): number {
  return Math.ceil(elements / LINE);
}

/** Rows of a piece at least, where the units are rows of so many elements. */
export function leastRows(elements: number): number {
  return Math.max(1, Math.floor(LEAST_LINES * LINE / elements));
}
