import { align } from "../graph/plan.ts";
import { BYTES_PER_ELEMENT, type Placement, Tensor } from "../graph/tensor.ts";
import { BITS_OF, type QuantizedDType, wordsPerRow } from "./quantize.ts";

/**
 * A matrix that a device keeps in bf16 or int8, with a scale for each row: the weight of `linear` or `embedding`, and of
 * no other op. It has no gradient.
 */
export class QuantizedTensor extends Tensor {
  /** What its numbers are kept in. */
  override readonly dtype: QuantizedDType;
  /** Bits of a number. */
  readonly bits: 8 | 16;
  /** (rows, words of a row), of type u32: the numbers. */
  readonly words: Tensor;
  /** (rows): what the numbers of a row are multiplied by. */
  readonly scales: Tensor;

  /**
   * Names a matrix at a place.
   * @param shape (rows, width)
   * @throws {RangeError} If the shape is not two positive integers.
   */
  constructor(name: string, shape: readonly number[], dtype: QuantizedDType, placement: Placement) {
    if (shape.length !== 2) {
      throw new RangeError(`Cannot keep "${name}" in ${dtype}: got shape (${shape.join(", ")}), must be (rows, width)`);
    }
    super(name, shape, { placement });
    const [rows, width] = shape;
    this.dtype = dtype;
    this.bits = BITS_OF[dtype];
    const rowWords = wordsPerRow(width, this.bits);
    const { storage, byteOffset } = placement;
    this.words = new Tensor(`${name} in ${dtype}`, [rows, rowWords], { dtype: "u32", placement });
    const behind = byteOffset + align(rows * rowWords * BYTES_PER_ELEMENT);
    this.scales = new Tensor(`scales of ${name}`, [rows], { placement: { storage, byteOffset: behind } });
  }

  /** Bytes of a storage that a matrix takes, up to where the next array can begin. */
  static bytesOf([rows, width]: readonly number[], dtype: QuantizedDType): number {
    return align(rows * wordsPerRow(width, BITS_OF[dtype]) * BYTES_PER_ELEMENT) + align(rows * BYTES_PER_ELEMENT);
  }

  /** `name (512, 256) in int8`, for error messages. */
  override toString(): string {
    return `${super.toString()} in ${this.dtype}`;
  }
}
