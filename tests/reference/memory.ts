import type { View } from "../../lib/graph/tensor.ts";

/**
 * A storage of the reference backend: every 4 bytes of a device's memory as a float64, beside the bits that the host
 * wrote there, which are what an integer view reads.
 */
export class ReferenceMemory {
  readonly #values: Float64Array;
  readonly #bits: Uint32Array;

  constructor(bytes: number) {
    this.#values = new Float64Array(bytes / 4);
    this.#bits = new Uint32Array(bytes / 4);
  }

  /** The float64 values of a view, shared: writing to them changes the memory. */
  values({ byteOffset, size }: View): Float64Array {
    return this.#values.subarray(byteOffset / 4, byteOffset / 4 + size);
  }

  /** The bits of a view as a 32-bit device would hold them: the host's, or those of a value computed since. */
  bits(view: View): Uint32Array {
    const written = this.#bits.subarray(view.byteOffset / 4, view.byteOffset / 4 + view.size);
    const asFloats = new Float32Array(written.slice().buffer);
    const rounded = Float32Array.from(this.values(view));
    const computed = new Uint32Array(rounded.buffer);
    return computed.map((word, i) => Object.is(asFloats[i], rounded[i]) ? written[i] : word);
  }

  /** Writes what the host gives, as a device does: bits. */
  write(view: View, data: Float32Array | Uint32Array): void {
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    this.#bits.set(bits, view.byteOffset / 4);
    this.values(view).set(new Float32Array(bits.slice().buffer));
  }
}
