import { type DeviceName, DEVICES } from "./devices.ts";
import { forwardFlopsPerToken } from "./flops.ts";
import type { ModelShape } from "./shape.ts";
import { modelFlopsUtilisation } from "./time.ts";

/** How fast this project trained a model on a device, in float32. */
export interface MeasuredRate {
  /** The model. */
  readonly shape: ModelShape;
  readonly tokensPerSecond: number;
  /** Where the measurement is described. */
  readonly source: string;
}

/** Devices on which training was measured. */
const MEASURED_RATES: Partial<Record<DeviceName, MeasuredRate>> = {
  h100: {
    shape: { vocabSize: 10_000, contextLength: 256, dModel: 512, numLayers: 4, numHeads: 16, dFf: 1344 },
    tokensPerSecond: 327_976,
    source: "data/benchmarks/README.md, 27 November 2026",
  },
};

/** The share of the peak that is taken for granted where nothing was measured. */
const ASSUMED_MFU = 0.5;

/** The share of a device's float32 peak that training reaches, and how that is known. */
export interface KnownMfu {
  /** Three times the forward products' FLOP/s, as a share of the peak. */
  readonly mfu: number;
  /** Whether it was measured, assumed, or given by whoever asks. */
  readonly source: "measured" | "assumed" | "given";
  /** The measurement. */
  readonly measured?: MeasuredRate;
}

/** The share that was measured on a device; else one half. */
export function knownMfu(name: DeviceName): KnownMfu {
  const measured = MEASURED_RATES[name];
  if (measured === undefined) return { mfu: ASSUMED_MFU, source: "assumed" };
  const flops = 3 * forwardFlopsPerToken(measured.shape);
  return {
    mfu: modelFlopsUtilisation(flops, measured.tokensPerSecond, DEVICES[name].peakF32),
    source: "measured",
    measured,
  };
}
