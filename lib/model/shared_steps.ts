import type { Continuation } from "./continuation.ts";

/**
 * Computes the logits after each text's next token, together.
 * @param ids The token of each text; undefined for those that are over.
 */
type Advance = (ids: readonly (number | undefined)[]) => Promise<readonly Float32Array[]>;

/** Texts that advance in step, each read through an iterator of its own. */
export class SharedSteps {
  readonly #texts: readonly Continuation[];
  readonly #advance: Advance;
  /** Ids that were made and not yet read. */
  readonly #unread: readonly number[][];
  readonly #isOver: boolean[];
  #logits: readonly Float32Array[];
  /** The newest token of each text, which the model has not seen. */
  #last: (number | undefined)[] | undefined;
  #step: Promise<void> | undefined;

  /** @param logits After each text's prompt. */
  constructor(texts: readonly Continuation[], logits: readonly Float32Array[], advance: Advance) {
    this.#texts = texts;
    this.#advance = advance;
    this.#logits = logits;
    this.#unread = texts.map(() => []);
    this.#isOver = texts.map(() => false);
  }

  /** One for each text. Ending one ends its text, and no other. */
  iterators(): AsyncGenerator<number, void, void>[] {
    return this.#texts.map((_, i) => this.#read(i));
  }

  async *#read(i: number): AsyncGenerator<number, void, void> {
    try {
      for (;;) {
        const id = this.#unread[i].shift();
        if (id !== undefined) yield id;
        else if (this.#isOver[i]) return;
        else await this.#nextStep();
      }
    } finally {
      this.#isOver[i] = true;
    }
  }

  /** Takes a step, or waits for the one that another iterator takes already. */
  async #nextStep(): Promise<void> {
    this.#step ??= this.#takeStep().finally(() => this.#step = undefined);
    await this.#step;
  }

  async #takeStep(): Promise<void> {
    if (this.#last) this.#logits = await this.#advance(this.#last.map((id, i) => this.#isOver[i] ? undefined : id));
    this.#last = this.#texts.map((text, i) => {
      if (this.#isOver[i]) return undefined;
      const id = text.choose(this.#logits[i]);
      if (id !== undefined) this.#unread[i].push(id);
      this.#isOver[i] = id === undefined || text.isComplete;
      return id;
    });
  }
}
