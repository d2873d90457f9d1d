import { type SizedCall, touchedBytes } from "../graph/touched_bytes.ts";
import { countCall } from "./program.ts";

/** A machine's limits, as measured. */
export interface MachineLimits {
  /** FLOP/s in float32. */
  readonly peak: number;
  /** How the peak was measured, in words. */
  readonly peakSource: string;
  /** Bytes per second, read from memory. */
  readonly bandwidth: number;
  /** How the bandwidth was measured, in words. */
  readonly bandwidthSource: string;
}

/** The work of one call: its arithmetic, and the memory that it cannot avoid touching. */
export interface CallWork {
  readonly flops: number;
  readonly bytes: number;
  /** Whether products round their operands, which makes them faster than float32's peak: how fast they can be is not known. */
  readonly isRounded?: boolean;
}

/**
 * The work of one call. It counts the FLOPs that are really done: attention counts only the pairs that a causal query
 * sees, T(T + 1) / 2 of T². In bytes, each array counts once: see `touchedBytes`.
 *
 * @returns `flops` is 0 for a kernel that declares none.
 */
export function workOf(call: SizedCall): CallWork {
  const counted = countCall(call);
  const flops = counted === undefined ? 0 : (counted.matmul + counted.other) * (counted.done ?? 1);
  return { flops, bytes: touchedBytes(call), ...call.kernel.rounds !== undefined && { isRounded: true } };
}

/**
 * The shortest time, in seconds, that a machine needs for some work: its arithmetic at the peak, or its bytes at the
 * bandwidth, whichever takes longer; of rounded products, only the bytes count. Arrays that stay in caches can be read faster.
 * Source: Williams, Waterman & Patterson 2009, doi:10.1145/1498765.1498785
 */
export function rooflineSeconds(
  { flops, bytes, isRounded }: CallWork,
  { peak, bandwidth }: MachineLimits,
): number {
  return Math.max(isRounded ? 0 : flops / peak, bytes / bandwidth);
}
