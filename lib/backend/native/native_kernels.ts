import { namedConstants } from "../../graph/kernel.ts";
import type { ProgramCall } from "../../graph/program.ts";
import type { OtherKernels } from "../wasm/other_kernels.ts";
import type { CodeCache } from "./code_cache.ts";
import { MADE_BY, NATIVE_KERNELS } from "./kernels.ts";

/** The kernels in machine code, as the wasm backend takes them. */
export class NativeKernels implements OtherKernels {
  readonly name = "native";
  readonly description: string;
  readonly vectorBits: number;
  readonly #code: CodeCache;

  /** @param code Where their code goes; disposed of with these. */
  constructor(code: CodeCache) {
    this.#code = code;
    this.vectorBits = code.set.lanes * 32;
    this.description = `machine code for ${code.set.title}`;
  }

  encode(
    { kernel, constants }: ProgramCall,
    addresses: readonly number[],
  ): { readonly kernel: number; readonly args: readonly number[] } | undefined {
    const index = MADE_BY.get(kernel.name);
    if (index === undefined) return undefined;
    const call = { name: kernel.name, constants: namedConstants(kernel, constants), addresses };
    const args = NATIVE_KERNELS[index].encode(call, this.#code);
    return args && { kernel: index, args };
  }

  [Symbol.dispose](): void {
    this.#code[Symbol.dispose]();
  }
}
