import { option, say } from "../../errors.ts";
import type { Precision } from "../../graph/graph.ts";
import { namedConstants } from "../../graph/kernel.ts";
import type { ProgramCall } from "../../graph/program.ts";
import type { OtherKernels } from "../wasm/other_kernels.ts";
import type { CodeCache } from "./code_cache.ts";
import { BF16_KERNELS, MADE_BY, NATIVE_KERNELS } from "./kernels.ts";
import { NativeError } from "./native_error.ts";
import { findBf16Fault } from "./self_test.ts";

/** The kernels in machine code, as the wasm backend takes them. */
export class NativeKernels implements OtherKernels {
  readonly name = "native";
  readonly description: string;
  readonly vectorBits: number;
  readonly added: ReadonlySet<string>;
  readonly precisions: readonly Precision[];
  readonly #code: CodeCache;

  /** @param code Where their code goes; disposed of with these. */
  constructor(code: CodeCache) {
    this.#code = code;
    this.vectorBits = code.set.lanes * 32;
    const hasBf16 = code.bf16Units.length > 0;
    this.added = hasBf16 ? BF16_KERNELS : new Set();
    this.precisions = hasBf16 ? ["bf16"] : [];
    this.description = `machine code for ${code.set.title}`;
  }

  encode(
    { kernel, constants }: ProgramCall,
    addresses: readonly number[],
  ): { readonly kernel: number; readonly args: readonly number[] } | undefined {
    const index = MADE_BY.get(kernel.name);
    if (index === undefined) return undefined;
    if (BF16_KERNELS.has(kernel.name)) this.#requireBf16();
    const call = { name: kernel.name, constants: namedConstants(kernel, constants), addresses };
    const args = NATIVE_KERNELS[index].encode(call, this.#code);
    return args && { kernel: index, args };
  }

  /** Only where they are used, because AMX needs a permission for the process. */
  #requireBf16(): void {
    const fault = findBf16Fault(this.#code);
    if (fault === undefined) return;
    throw new NativeError(
      say`Cannot multiply in bf16: got ${fault}, must be those of plain loops. Use ${option("dtype", "f32")}`,
    );
  }

  [Symbol.dispose](): void {
    this.#code[Symbol.dispose]();
  }
}
