import { bytesOf, DeviceStorage, type DType, type View } from "../graph/tensor.ts";
import type { HostArray } from "../backend/backend.ts";

/** An array of a kernel call: its length, type and contents. Just a number means that many random f32. */
export type ArraySpec = number | {
  readonly size: number;
  readonly dtype: DType;
  /** The bound that integers are below. */
  readonly below?: number;
  /** Whether to leave it as the device allocates it, because it is large and its values do not matter. */
  readonly isZero?: boolean;
};

/**
 * Arrays repeat after this many elements: drawing gigabytes at random would take longer than timing a GPU with them.
 */
const PERIOD = 1 << 16;

/** An array for each spec, each in a storage of its own. */
export function viewsOf(name: string, arrays: readonly ArraySpec[]): View[] {
  return arrays.map((spec, i): View => {
    const { size, dtype } = typeof spec === "number" ? { size: spec, dtype: "f32" as const } : spec;
    const storage = new DeviceStorage(`${name} ${i}`, Math.ceil(bytesOf({ size, dtype }) / 4) * 4);
    return { storage, byteOffset: 0, size, dtype };
  });
}

/**
 * Small numbers, so that nothing overflows however often a kernel adds to its output; integers below their bound. For
 * f16,
 * the words that the host writes instead, with zeros up to a whole word.
 */
export function contentsOf(spec: ArraySpec): HostArray {
  const { size, dtype = "f32", below = 1 } = typeof spec === "number" ? { size: spec } : spec;
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const small = () => (next() - 0.5) * 0.1;
  if (dtype === "u32") return repeated(new Uint32Array(size), () => Math.floor(next() * below));
  if (dtype === "f32") return repeated(new Float32Array(size), small);
  const words = new Uint32Array(Math.ceil(size / 2));
  repeated(new Float16Array(words.buffer, 0, size), small);
  return words;
}

function repeated<T extends Float32Array | Float16Array | Uint32Array>(values: T, next: () => number): T {
  for (let i = 0; i < Math.min(PERIOD, values.length); i++) values[i] = next();
  for (let made = PERIOD; made < values.length; made *= 2) values.copyWithin(made, 0, made);
  return values;
}
