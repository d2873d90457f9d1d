import type { Precision } from "../graph/graph.ts";

/** What a backend can do, and what is dear on it: whoever uses one decides by this, and never by its name. */
export interface Capabilities {
  /** What intermediates of a program may be held in; `"f32"` is always among them. */
  readonly precisions: readonly Precision[];
  /** The kernels that it has, by name. */
  readonly kernels: ReadonlySet<string>;
  /** Milliseconds that it computes nothing where a host waits for its results; 0 where a run ends with them. */
  readonly readBackMs: number;
  /** Texts that are best continued together: as many rows as its kernels for few rows are made for. */
  readonly maxLanes: number;
  /** Into how many parts work must be cut for all of the device to be busy to the end. */
  readonly parts: number;
  /** Whether it computes on the machine's processors, in the machine's memory; else it has memory of its own. */
  readonly onHost: boolean;
  /** Bits of the vectors that its kernel `peak_fma` computes with, where it has that. */
  readonly vectorBits?: number;
  /** Bytes of an array that a kernel can take whole; as many as there is memory for where left out. */
  readonly maxArrayBytes?: number;
}
