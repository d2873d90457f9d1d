import type { Bf16Unit } from "../../../kernels/native/bf16/product_shape.ts";
import type { CallingConvention } from "../../../kernels/native/calling.ts";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import { ExecutableMemory } from "./executable_memory.ts";

/** Makes code for one kernel's shape. */
export type Assemble<Shape> = (
  set: InstructionSet,
  convention: CallingConvention,
  shape: Shape,
) => Uint8Array<ArrayBuffer>;

/** Code that was made, so that calls of the same shape share it. */
export class CodeCache implements Disposable {
  readonly #memory = new ExecutableMemory();
  /** By what assembles them, whose names need not differ, and the shape. */
  readonly #addresses = new Map<unknown, Map<string, number>>();

  /**
   * @param bf16Units What can multiply numbers of bf16, the fastest first.
   * @throws {ExecutableMemoryError} If there is no such memory on this system.
   */
  constructor(
    readonly set: InstructionSet,
    readonly convention: CallingConvention,
    readonly workers: number,
    readonly bf16Units: readonly Bf16Unit[] = [],
  ) {}

  /** The address of a kernel's code for a shape. Below 2⁴⁸, so a number holds it. */
  addressOf<Shape>(assemble: Assemble<Shape>, shape: Shape): number {
    const addresses = this.#addresses.get(assemble) ?? new Map<string, number>();
    this.#addresses.set(assemble, addresses);
    const key = JSON.stringify(shape);
    let address = addresses.get(key);
    if (address === undefined) {
      address = Number(this.#memory.place(assemble(this.set, this.convention, shape)));
      addresses.set(key, address);
    }
    return address;
  }

  /** Frees all code: no worker may be in it any more. */
  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}
