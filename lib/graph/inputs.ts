import { indicesOf } from "./indices.ts";
import { type Program, wholeOf } from "./program.ts";
import { BYTES_PER_ELEMENT, type Tensor, type View } from "./tensor.ts";

/** The host's copy of a program's inputs, written to the backend in one transfer. */
export class InputBlock {
  /** All inputs, at the offsets that the plan gave them, as 32-bit words. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** Where `words` goes: `backend.write(block.view, block.words)`, which refuses indices that are out of range. */
  readonly view: View;
  readonly #program: Program;

  /** @throws {Error} If the program has no inputs. */
  constructor(program: Program) {
    if (program.inputs === undefined) throw new Error("Cannot make an input block: the program has no inputs");
    this.#program = program;
    const indices = program.inputTensors.flatMap((tensor) =>
      indicesOf(tensor, program.view(tensor).byteOffset / BYTES_PER_ELEMENT)
    );
    this.view = { ...wholeOf(program.inputs, "u32"), indices };
    this.words = new Uint32Array(program.inputs.bytes / BYTES_PER_ELEMENT);
  }

  /** The part that holds an input of type f32; change it, then write `words`. */
  floats(tensor: Tensor): Float32Array<ArrayBuffer> {
    return new Float32Array(this.words.buffer, this.#offset(tensor, "f32"), tensor.size);
  }

  /** The part that holds an input of type u32; change it, then write `words`. */
  integers(tensor: Tensor): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.words.buffer, this.#offset(tensor, "u32"), tensor.size);
  }

  #offset(tensor: Tensor, dtype: string): number {
    const view = this.#program.view(tensor);
    if (view.storage !== this.#program.inputs || view.dtype !== dtype) {
      throw new TypeError(`Cannot fill ${tensor}: got ${view.dtype}, must be an input of type ${dtype}`);
    }
    return view.byteOffset;
  }
}
