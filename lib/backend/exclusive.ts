/** Work that reads and writes the same arrays, and so must not be under way twice. */
export class Exclusive {
  #isUnderWay = false;

  /**
   * Does it.
   * @param what In words, for the error.
   * @throws {Error} If the same is under way: a mistake in the program, which would get wrong numbers.
   */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#isUnderWay) throw new Error(`Cannot ${what}: got a call while another is under way, await that first`);
    this.#isUnderWay = true;
    try {
      return await work();
    } finally {
      this.#isUnderWay = false;
    }
  }
}
