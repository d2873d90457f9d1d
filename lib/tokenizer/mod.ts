/** Byte-level BPE: training, encoding, decoding, streams, and files. */
export type { PatternName } from "./patterns.ts";
export type { Vocabulary } from "./vocabulary.ts";
export type { SpecialToken } from "./special_tokens.ts";
export { TokenBytes } from "./token_bytes.ts";
export type { TextSource } from "./text_source.ts";
export { TextEncoding } from "./text_encoding.ts";
export { type EncodeOptions, type Ids, Tokenizer } from "./tokenizer.ts";
export { loadTokenizer, saveTokenizer } from "./tokenizer_dir.ts";
export { trainBpe, type TrainBpeOptions } from "./train_bpe.ts";
