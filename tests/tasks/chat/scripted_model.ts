// A model that says what a test tells it to.
import { trainBpe } from "../../../lib/tokenizer/mod.ts";
import type { GenerateOptions } from "../../../lib/generate/generator.ts";
import type { SpeakingModel } from "../../../tasks/chat/speaker.ts";

/** Special tokens of the `chatml` template. */
export const SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** What a scripted model was asked. */
export interface Asked {
  readonly prompt: string;
  readonly options: GenerateOptions;
}

/**
 * A model that gives the next of some answers each time, and ends it with `<|im_end|>`; every byte is a token. An answer
 * that is an error is thrown after one token.
 */
export async function scriptedModel(
  answers: readonly (string | Error)[],
  contextLength = 1000,
): Promise<SpeakingModel & { readonly asked: Asked[] }> {
  const tokenizer = await trainBpe("ab", { vocabSize: 256 + SPECIALS.length, specialTokens: SPECIALS });
  const end = tokenizer.specialTokens.get("<|im_end|>")!;
  const left = [...answers];
  const asked: Asked[] = [];
  const generator: SpeakingModel["generator"] = {
    async *generate(ids, options = {}) {
      asked.push({ prompt: tokenizer.decode([...ids]), options });
      const answer = left.shift()!;
      if (answer instanceof Error) {
        yield* tokenizer.encode("x");
        throw answer;
      }
      let made = 0;
      for (const id of [...tokenizer.encode(answer), end]) {
        await Promise.resolve();
        if (options.stopIds?.includes(id) || options.signal?.aborted || made++ === options.maxTokens) return;
        yield id;
      }
    },
    cachedPrefix: () => 0,
  };
  return { generator, tokenizer, config: { contextLength }, stopIds: [], asked };
}
