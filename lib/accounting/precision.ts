import { OptionError } from "../errors.ts";
import type { Device } from "./devices.ts";

/** Bytes that a training run spends on each number. */
export interface Precision {
  /** The weights that the forward and backward pass read. */
  readonly weights: number;
  /** A float32 copy of the weights that the optimizer updates; 0 if it updates the weights themselves. */
  readonly master: number;
  readonly gradients: number;
  /** Each of the optimizer's moments. */
  readonly moments: number;
  /** Everything kept for the backward pass, and the keys and values kept during generation. */
  readonly activations: number;
}

const f32: Precision = { weights: 4, master: 0, gradients: 4, moments: 4, activations: 4 };
const pure16: Precision = { weights: 2, master: 0, gradients: 2, moments: 2, activations: 2 };
const mixed: Precision = { weights: 2, master: 4, gradients: 2, moments: 4, activations: 2 };

/**
 * Number formats. `f32`: 16 bytes per parameter with AdamW. `bf16`, `f16`: everything in 16 bits, 8 bytes. `mixed-bf16`,
 * `mixed-f16`: 16-bit weights, gradients and activations, float32 master weights and moments, again 16 bytes.
 * Source for mixed: Micikevicius et al. 2017, arXiv:1710.03740; its bytes: Rajbhandari et al. 2019, arXiv:1910.02054,
 * section 3.1.
 */
export const PRECISIONS: Readonly<Record<PrecisionName, Precision>> = {
  f32,
  bf16: pure16,
  f16: pure16,
  "mixed-bf16": mixed,
  "mixed-f16": mixed,
};

/** A key of {@linkcode PRECISIONS}, which says what each stands for. */
export type PrecisionName = "f32" | "bf16" | "f16" | "mixed-bf16" | "mixed-f16";

/** The keys of `PRECISIONS`. */
export const PRECISION_NAMES = Object.keys(PRECISIONS) as readonly PrecisionName[];

/**
 * The rate at which a device multiplies matrices in this format: float32 without tensor cores, 16-bit with them.
 * @returns FLOP/s.
 * @throws {OptionError} If the device has no bfloat16.
 */
export function peakFlops(device: Device, precision: PrecisionName): number {
  if (precision === "f32") return device.peakF32;
  if (precision.endsWith("bf16") && !device.hasBf16) {
    throw new OptionError(
      `Cannot use ${precision} on ${device.name}: got a device without bfloat16, must be f32, f16 or mixed-f16`,
    );
  }
  return device.peakF16;
}
