/**
 * Byte-level BPE: training, encoding, decoding, streams and files.
 *
 * @example Count words once, then train vocabularies of several sizes from the counts
 * ```ts
 * import { countTexts, trainBpeFromCounts } from "@bytelm/bytelm/tokenizer";
 *
 * const counted = await countTexts(["low low low lower", "lowest newest newest"]);
 * for (const vocabSize of [258, 262]) {
 *   const tokenizer = trainBpeFromCounts(counted, { vocabSize });
 *   console.log(vocabSize, tokenizer.encode("lowest").length);
 * }
 * ```
 *
 * @module
 */
export type { PatternName } from "./pretokenize/patterns.ts";
export { parsePattern, type Pattern } from "./pretokenize/named_patterns.ts";
export type { SplitBehavior, SplitStep } from "./pretokenize/split_steps.ts";
export type { NormalizerStep } from "./normalize/normalizer_steps.ts";
export type { AroundIds } from "./vocabulary/post_processor_json.ts";
export type { SentencePieces, TokenizerConfig, Vocabulary } from "./vocabulary/vocabulary.ts";
export type { SpecialToken } from "./pretokenize/special_tokens.ts";
export { TokenBytes } from "./encode/token_bytes.ts";
export type { TextSource } from "../corpus/text_source.ts";
export { TextEncoding } from "./encode/text_encoding.ts";
export { type EncodeOptions, type Ids, Tokenizer } from "./tokenizer.ts";
export { createTokenizer, type MergePair, type TokenizerParts } from "./create_tokenizer.ts";
export type { LoadOptions } from "./load_options.ts";
export { loadTokenizer, saveTokenizer } from "../formats/tokenizer_dir.ts";
export type { TokenizerSource } from "./tokenizer_source.ts";
export { trainBpe, trainBpeFromCounts, type TrainBpeOptions } from "../corpus/train_bpe.ts";
export { type CountedText, countTexts, type CountTextsOptions, type CountTimes } from "../corpus/count/count_texts.ts";
export type { WordCounts } from "./train/word_counts.ts";
export { addCounts, formatCounts, parseCounts } from "../corpus/count/count_file.ts";
export { longestTokens, MergeHistory, type MergeTree } from "./train/merge_history.ts";
export type { Texts } from "../corpus/texts.ts";
export { formatTiktoken, parseTiktoken, type TiktokenOptions } from "./vocabulary/tiktoken_file.ts";
