// Measures how well and how fast tokenizers encode texts.
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { encodeParts, type EncodePartsOptions, wholeInputs } from "./encode/encode_parts.ts";
import type { TextInput } from "./text_inputs.ts";

/** Size of the Pile in bytes. Source: Gao et al. 2020, arXiv:2101.00027 (825 GiB, as the paper counts them). */
export const PILE_BYTES = 825 * 2 ** 30;

/** For this long, short texts are encoded again and again; the fastest time counts. */
const MEASURED_MS = 300;

/** One tokenizer on one text. */
export interface TokenizerComparison {
  readonly tokenizer: string;
  readonly input: string;
  readonly bytes: number;
  readonly tokens: number;
  /** Bytes per token: the more, the better the text is compressed. */
  readonly bytesPerToken: number;
  /** The speed of one thread, including reading and unpacking. */
  readonly bytesPerSecond: number;
  /** How long the Pile would take at that speed. */
  readonly pileHours: number;
}

/** A tokenizer to compare. */
export interface ComparedTokenizer {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Text between documents, and the special token that it becomes. Default: it is text like any other. */
  readonly documentSeparator?: EncodePartsOptions["documentSeparator"];
}

/** Encodes each input with each tokenizer, one after the other, on this thread. Memory does not depend on their size. */
export async function* compareTokenizers(
  tokenizers: readonly ComparedTokenizer[],
  inputs: readonly TextInput[],
  options: { readonly field?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<TokenizerComparison> {
  for (const input of inputs) {
    for (const { name, tokenizer, documentSeparator } of tokenizers) {
      let fastest = Infinity;
      let bytes = 0, tokens = 0;
      for (const started = performance.now(); performance.now() - started < MEASURED_MS;) {
        const before = performance.now();
        const pieces = encodeParts(tokenizer, wholeInputs([input]), { ...options, documentSeparator });
        let next = await pieces.next();
        while (!next.done) next = await pieces.next();
        fastest = Math.min(fastest, (performance.now() - before) / 1000);
        ({ bytes, tokens } = next.value);
      }
      const bytesPerSecond = bytes / fastest;
      yield {
        tokenizer: name,
        input: input.path,
        bytes,
        tokens,
        bytesPerToken: bytes / tokens,
        bytesPerSecond,
        pileHours: PILE_BYTES / bytesPerSecond / 3600,
      };
    }
  }
}
