/**
 * Which of a model's ids may be drawn. A model can have more rows than its tokenizer has tokens, and a tokenizer's ids can
 * have gaps. Such rows stand for no text.
 */
export class DrawableIds {
  /** Bit i mod 32 of word ⌊i / 32⌋ says whether id i may be drawn. */
  readonly bits: Uint32Array<ArrayBuffer>;
  readonly #others: Uint32Array;

  /**
   * @param isDrawable Asked once for each id; all are by default.
   * @throws {RangeError} If no id may be drawn.
   */
  constructor(vocabSize: number, isDrawable: (id: number) => boolean = () => true) {
    this.bits = new Uint32Array(Math.ceil(vocabSize / 32));
    const others: number[] = [];
    for (let id = 0; id < vocabSize; id++) {
      if (isDrawable(id)) this.bits[id >> 5] |= 1 << (id & 31);
      else others.push(id);
    }
    if (others.length === vocabSize) {
      throw new RangeError(`Cannot draw tokens: got none of ${vocabSize} ids that may be drawn, must be one or more`);
    }
    this.#others = Uint32Array.from(others);
  }

  /** Makes it impossible, in place, to draw ids that may not be drawn. */
  mask(logits: Float32Array): void {
    for (const id of this.#others) logits[id] = -Infinity;
  }
}
