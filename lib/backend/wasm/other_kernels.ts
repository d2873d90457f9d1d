import type { Precision } from "../../graph/graph.ts";
import type { ProgramCall } from "../../graph/program.ts";

/** Kernels beside those of the module, for workers that were started with them. */
export interface OtherKernels extends Disposable {
  /** What the backend is called that has them, and what they are, in words for a person. */
  readonly name: string;
  readonly description: string;
  /** Kernels among them that the module lacks, and the formats, beside f32, that they make possible. */
  readonly added: ReadonlySet<string>;
  readonly precisions: readonly Precision[];
  /** Bits of the vectors that they compute with. */
  readonly vectorBits: number;
  /**
   * What workers are told of a call that such a kernel makes: its index among them, and its arguments without the address
   * of the call's counters.
   * @param addresses Of inputs, then outputs.
   */
  encode(
    call: ProgramCall,
    addresses: readonly number[],
  ): { readonly kernel: number; readonly args: readonly number[] } | undefined;
}
