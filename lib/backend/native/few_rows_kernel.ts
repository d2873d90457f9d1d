// A linear layer of few rows: see kernels/native/few_rows.ts.
import {
  assembleFewRows,
  FEW_ROWS_PARAMETERS as WORD,
  type WeightFormat,
  weightRowBytes,
} from "../../../kernels/native/few_rows.ts";
import type { CodeCache } from "./code_cache.ts";
import type { NativeCall, WorkerTools } from "./kernel.ts";
import { LINE, linesOf } from "./lines.ts";

/** Rows for which weights are read as they lie; beyond, it is faster to pack them. */
export const MAX_FEW_ROWS = 16;

/** Weights of a piece of work at least: some microseconds of reading. */
const LEAST_WEIGHTS = 16384;

/** What the code can reach by its displacements. */
const MAX_BYTES = 2 ** 31;

/**
 * The numbers that a product is told by to the workers.
 * @param addresses Of x, the weights and y, and of the scales of weights that are not f32.
 * @returns `undefined` for a product that the code is not for.
 */
export function encodeFewRows(
  format: WeightFormat,
  { constants: { rows, I, O } }: NativeCall,
  addresses: readonly number[],
  code: CodeCache,
): readonly number[] | undefined {
  if (rows > MAX_FEW_ROWS || rows * Math.max(I, O) * 4 >= MAX_BYTES) return undefined;
  const address = code.addressOf(assembleFewRows, { format, rows, depth: I, columns: O });
  return [address, weightRowBytes(format, I), I, O, ...addresses];
}

/** What makes such a product on a worker. A unit is a cache line of columns, so that no two workers write to the same one. */
export function bindFewRows(
  [address, rowBytes, I, O, x, weight, y, scales = 0]: readonly number[],
  counters: number,
  { parameters: { words, pointer }, makeFunction, work }: WorkerTools,
): () => void {
  const multiply = makeFunction(BigInt(address));
  const least = Math.max(1, Math.floor(LEAST_WEIGHTS / LINE / I));
  return () => {
    work.divide(counters, linesOf(O), least);
    while (work.claim()) {
      const first = work.firstUnit() * LINE;
      words[WORD.x] = x;
      words[WORD.weight] = weight + first * rowBytes;
      words[WORD.y] = y + first * 4;
      words[WORD.columns] = Math.min(work.endUnit() * LINE, O) - first;
      words[WORD.scales] = scales + first * 4;
      multiply(pointer);
    }
  };
}
