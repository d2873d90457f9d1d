import type { Continuation } from "./continuation.ts";

/** For each text, the tokens that follow it, one or more; for texts that are over, anything. */
export type NextTokens = readonly (readonly number[])[];

/** Texts that advance in step, each read through an iterator of its own. */
export class SharedSteps {
  readonly #texts: readonly Continuation[];
  readonly #advance: () => Promise<NextTokens>;
  /** Ids that have been taken but not read yet. */
  readonly #unread: readonly number[][];
  #step: Promise<void> | undefined;

  /** @param advance Computes what follows each text. */
  constructor(texts: readonly Continuation[], advance: () => Promise<NextTokens>) {
    this.#texts = texts;
    this.#advance = advance;
    this.#unread = texts.map(() => []);
  }

  /** Whether nothing more will be computed. */
  get isOver(): boolean {
    return this.#step === undefined && this.#texts.every(({ isOver }) => isOver);
  }

  /**
   * Takes the first step.
   * @param first Computes what follows each text's prompt.
   */
  async begin(first: () => Promise<NextTokens>): Promise<void> {
    await this.#nextStep(first);
  }

  /** One iterator per text. Ending one ends only its text, whether or not it was read from. */
  iterators(): AsyncGenerator<number, void, void>[] {
    return this.#texts.map((text, i) => {
      const ids = this.#read(text, this.#unread[i]);
      // A generator that was never read from does not reach its `finally`.
      const giveUp = ids.return.bind(ids);
      return Object.assign(ids, {
        return: (value: void | PromiseLike<void>) => {
          text.end();
          return giveUp(value);
        },
      });
    });
  }

  async *#read(text: Continuation, unread: number[]): AsyncGenerator<number, void, void> {
    try {
      for (;;) {
        const id = unread.shift();
        if (id !== undefined) yield id;
        else if (text.isOver) return;
        else await this.#nextStep(this.#advance);
      }
    } finally {
      text.end();
    }
  }

  /** Takes a step, or waits for the one that another iterator is already taking. */
  async #nextStep(compute: () => Promise<NextTokens>): Promise<void> {
    this.#step ??= this.#takeStep(compute).finally(() => this.#step = undefined);
    await this.#step;
  }

  async #takeStep(compute: () => Promise<NextTokens>): Promise<void> {
    try {
      const next = await compute();
      for (const [i, text] of this.#texts.entries()) {
        // What was computed beyond the end of a text is dropped.
        for (const id of next[i]) if (text.take(id)) this.#unread[i].push(id);
      }
    } catch (error) {
      // Nothing can follow a step that failed.
      for (const text of this.#texts) text.end();
      throw error;
    }
  }
}
