/** Byte-level BPE: training, encoding, decoding, streams, and files. */
export { TextEncoding } from "./encoder.ts";
export type { PatternName, Vocabulary } from "./vocabulary.ts";
export type { SpecialToken } from "./special_tokens.ts";
export { TokenBytes } from "./token_bytes.ts";
export type { TextSource } from "./text_source.ts";
export { type EncodeOptions, type Ids, Tokenizer } from "./tokenizer.ts";
export { loadTokenizer, saveTokenizer } from "./tokenizer_dir.ts";
export { trainBpe, type TrainBpeOptions } from "./train_bpe.ts";
