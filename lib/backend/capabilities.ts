import type { Precision } from "../graph/graph.ts";

/** What a backend can do, and what is expensive on it. Decide by this, never by the backend's name. */
export interface Capabilities {
  /** The formats in which it can hold a program's intermediates; `"f32"` is always among them. */
  readonly precisions: readonly Precision[];
  /** The kernels that it has, by name. */
  readonly kernels: ReadonlySet<string>;
  /** Milliseconds for which it sits idle when the host waits for results; 0 if a run ends with its results. */
  readonly readBackMs: number;
  /** How many texts are best continued together: as many rows as its kernels for few rows are made for. */
  readonly maxLanes: number;
  /** How many parts work must be cut into, to keep the whole device busy to the end. */
  readonly parts: number;
  /** Whether it computes on the machine's processors, in the machine's memory. Otherwise it has memory of its own. */
  readonly onHost: boolean;
  /** Bits of the vectors that its kernel `peak_fma` computes with, if it has that kernel. */
  readonly vectorBits?: number;
  /** The largest array, in bytes, that a kernel can take in one piece. If left out, only memory limits it. */
  readonly maxArrayBytes?: number;
}
