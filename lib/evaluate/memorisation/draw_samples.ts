import { OptionError } from "../../errors.ts";
import { documentStart, END_OF_TEXT } from "../../generate/document_start.ts";
import type { TextGenerator } from "../../generate/generator.ts";
import type { SamplingOptions } from "../../generate/sampling.ts";
import type { Tokenizer } from "../../tokenizer/mod.ts";

/** Options for `drawSamples`. */
export interface DrawSamplesOptions extends SamplingOptions {
  /** How many. */
  readonly count: number;
  /** The most tokens of each. */
  readonly maxTokens: number;
  /** Seed of the first sample; the others count up from it. */
  readonly seed: number;
  /** What they continue. Default: the start of a document, after the end of another one or at least on a new line. */
  readonly prompt?: string;
  /** Called after each sample, with the number drawn so far. */
  readonly onSample?: (drawn: number) => void;
  /** Stops before the next sample, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Draws texts from a model: their bytes, without the prompt. They may end within a character.
 * @param generator Must only draw ids of the tokenizer: see `GeneratorOptions.isDrawable`.
 * @throws {OptionError} If the seeds would run out.
 */
export async function drawSamples(
  generator: TextGenerator,
  tokenizer: Tokenizer,
  options: DrawSamplesOptions,
): Promise<Uint8Array[]> {
  const { count, seed, signal } = options;
  if (!Number.isSafeInteger(seed + count - 1)) {
    throw new OptionError(
      `Cannot draw samples: got seed ${seed} for ${count} samples, must be a whole number that leaves one for each, up ` +
        `to 2^53 − 1`,
    );
  }
  const endOfText = tokenizer.specialTokens.get(END_OF_TEXT);
  const prompt = [...tokenizer.encode(options.prompt || documentStart(tokenizer))];
  const stopIds = endOfText === undefined ? [] : [endOfText];
  const samples: Uint8Array[] = [];
  while (samples.length < count) {
    const together = Math.min(count - samples.length, generator.maxSamples);
    const seeds = Array.from({ length: together }, (_, i) => seed + samples.length + i);
    for (const ids of await generator.generateSamples(prompt, { ...options, stopIds }, seeds)) {
      const drawn = await Array.fromAsync(ids);
      signal?.throwIfAborted();
      samples.push(tokenizer.decodeBytes(drawn));
      options.onSample?.(samples.length);
    }
  }
  return samples;
}
