// A model without a chat template: it continues each text by itself.
import { speak, type Speaker, type SpeakerOptions, type SpeakingModel } from "./speaker.ts";

/** Continues each text by itself: what was said before it plays no part. */
export class TextCompletion implements Speaker {
  readonly #model: SpeakingModel;
  readonly #options: SpeakerOptions;
  #completed: { readonly prompt: string; readonly completion: string }[] = [];
  #answers = 0;

  constructor(model: SpeakingModel, options: SpeakerOptions) {
    this.#model = model;
    this.#options = options;
  }

  async *answer(text: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const { sampling, maxTokens, seed, stopStrings = [], onNote, onFigures } = this.#options;
    const { tokenizer, stopIds } = this.#model;
    const options = { ...sampling, seed: seed + this.#answers, maxTokens, stopIds, signal };
    yield* speak(this.#model, [...tokenizer.encode(text)], options, stopStrings, ({ text: completion, figures }) => {
      this.#answers++;
      this.#completed.push({ prompt: text, completion });
      onFigures?.(figures);
      if (figures.answerTokens === maxTokens && !signal?.aborted) {
        onNote(`The text was ended after ${maxTokens} tokens`);
      }
    });
  }

  takeBack(): string | undefined {
    return this.#completed.pop()?.prompt;
  }

  reset(): void {
    this.#completed = [];
  }

  record(): string {
    return this.#completed.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  }
}
