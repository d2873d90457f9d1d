import { countCall, type CountedCall } from "./program.ts";

/** What a machine can do at most, measured. */
export interface MachineLimits {
  /** FLOP/s in float32. */
  readonly peak: number;
  /** How the peak was measured, in words. */
  readonly peakSource: string;
  /** Bytes per second from memory. */
  readonly bandwidth: number;
  /** How the bandwidth was measured, in words. */
  readonly bandwidthSource: string;
}

/** A call whose arrays' sizes are known; `ProgramCall` of lib/graph is one. */
export interface SizedCall extends CountedCall {
  readonly kernel: CountedCall["kernel"] & {
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  };
  /** In the order of the kernel's inputs, then its outputs; sizes in elements. */
  readonly views: readonly { readonly size: number; readonly dtype?: string }[];
}

/** What one call must do: its arithmetic, and the memory it cannot avoid touching. */
export interface CallWork {
  readonly flops: number;
  readonly bytes: number;
}

/** f16 is an intermediate's type on a GPU; all others have four bytes. */
const bytesPerElement = ({ dtype }: { readonly dtype?: string }) => dtype === "f16" ? 2 : 4;

/** Outputs that a kernel reads as well, besides those a constant `accumulate…` says so of. */
const UPDATED: Readonly<Record<string, readonly string[]>> = {
  adamw: ["parameters", "m", "v"],
  cross_entropy_backward_in_place: ["logits"],
  sgd: ["parameters"],
};

/** The constant that says whether a kernel adds to an output; for a kernel's first output it is `accumulate`. */
const ADDED_IF: Readonly<Record<string, string>> = {
  dQ: "accumulateQuery",
  dK: "accumulateKey",
  dV: "accumulateValue",
  dGate: "accumulateGate",
  dUp: "accumulateUp",
};

/**
 * The work of one call. FLOPs are those really done: attention's, of the pairs that a causal query sees, T(T + 1) / 2 of
 * T². Bytes are each array once: inputs read, outputs written,
 * and read where they are added to; of a table that is indexed, only the rows that are.
 *
 * @returns `flops` 0 for a kernel that declares none.
 */
export function workOf(call: SizedCall): CallWork {
  const { kernel, views } = call;
  const constants = Object.fromEntries(Object.keys(kernel.constants).map((name, i) => [name, call.constants[i]]));
  const counted = countCall(call);
  const flops = counted === undefined ? 0 : (counted.matmul + counted.other) * (counted.done ?? 1);

  const isRead = (output: string) => {
    const flag = ADDED_IF[output] ?? (output === kernel.outputs[0] ? "accumulate" : "");
    return constants[flag] === 1 || UPDATED[kernel.name]?.includes(output);
  };
  const bytes = [...kernel.inputs, ...kernel.outputs].map((name, i) => {
    const size = bytesPerElement(views[i]) * (indexedSize(kernel.name, name, constants) ?? views[i].size);
    return i >= kernel.inputs.length && isRead(name) ? 2 * size : size;
  });
  return { flops, bytes: bytes.reduce((sum, n) => sum + n, 0) };
}

/** Elements of an array of which a kernel touches a part. */
function indexedSize(kernel: string, name: string, constants: Readonly<Record<string, number>>): number | undefined {
  if (kernel === "embedding_forward" && name === "weight") return Math.min(constants.N, constants.V) * constants.D;
  if (kernel === "write_rows" && name === "out") return constants.B * constants.T * constants.W;
  if (kernel.startsWith("rope_") && (name === "cos" || name === "sin")) return constants.T * constants.headDim / 2;
  return undefined;
}

/**
 * The least seconds that a machine needs for some work: its arithmetic at the peak, or its bytes at the bandwidth,
 * whichever takes longer. Arrays that stay in caches can be read faster than that.
 * Source: Williams, Waterman & Patterson 2009, doi:10.1145/1498765.1498785
 */
export function rooflineSeconds({ flops, bytes }: CallWork, { peak, bandwidth }: MachineLimits): number {
  return Math.max(flops / peak, bytes / bandwidth);
}
