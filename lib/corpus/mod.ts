/**
 * Text from files and downloads, documents, token files, and batches.
 *
 * @example Windows of tokens, and the tokens that follow each
 * ```ts
 * import { randomBatch, tokensInMemory } from "@bytelm/bytelm/corpus";
 *
 * const source = tokensInMemory(Uint16Array.from({ length: 100 }, (_, id) => id));
 * const shape = { batchSize: 2, seqLen: 8, vocabSize: 100 };
 * const { ids, targets } = await randomBatch(source, shape, 0, 0);
 * console.log(ids[0] + 1 === targets[0]); // true
 * ```
 *
 * @module
 */

// Text
export { CATALOG, type CatalogEntry, type CatalogFile, type DatasetName } from "./download/catalog.ts";
export type { DatasetFile, Digest } from "./download/dataset_record.ts";
export type { DownloadOptions } from "./download/download.ts";
export { fetchDataset, type FetchDatasetOptions } from "./download/fetch_dataset.ts";
export { type DocumentOptions, documentsOf } from "./documents.ts";
export {
  expandInputs,
  type ExpandInputsOptions,
  type InputReport,
  type ReadingOptions,
  type SkippedInput,
  type StructuredInput,
} from "./expand_inputs.ts";
export type { FileFilter, SkipReason } from "./find_files.ts";
export type { InputKind } from "./input_kinds.ts";
export { splitText } from "./split.ts";
export { splitDocuments, type SplitDocumentsOptions, type SplitPart, type SplitResult } from "./split_documents.ts";
export {
  type ReadTextOptions,
  type TableOptions,
  type TableReader,
  type TextInput,
  textSourceOf,
} from "./text_inputs.ts";

// Token files
export {
  encodeParts,
  type EncodePartsOptions,
  encodePartsToNpy,
  type EncodeProgress,
  type InputPart,
  wholeInputs,
} from "./encode/encode_parts.ts";
export { encodeShards, type EncodeShardsOptions } from "./encode/encode_shards.ts";
export type { EncodeTextsOptions } from "./encode/encode_texts.ts";
export { NpyReader, NpyWriter, readNpy, writeNpy } from "../dataset/npy_file.ts";
export type { TokenArray, TokenDtype } from "../dataset/npy_format.ts";
export { type TextRecord, type TokenProvenance, writeProvenance } from "../dataset/provenance.ts";
export type { ShardEntry, ShardIndex } from "../dataset/shard_index.ts";
export type { ShardSize } from "./encode/shard_plan.ts";
export {
  type ConvertedTokens,
  convertTokens,
  type ConvertTokensOptions,
  type TokenFormat,
} from "../dataset/token_files/convert_tokens.ts";
export { openTokenFile, type OpenTokenFileOptions, type RawFormat } from "../dataset/token_files/open_token_file.ts";
export type { TokenStream } from "../dataset/token_files/token_stream.ts";
export { openTokens, ShardedTokens } from "../dataset/sharded_tokens.ts";
export { type Examples, tokensInMemory, type TokenSource } from "../dataset/token_source.ts";
export { identifyTokenizer, type KnownSource, requireOneTokenizer, type TokenizerId } from "../dataset/tokenizer_id.ts";
export { PathExistsError } from "../io/rename_to_new.ts";
export type { PublishOptions } from "../io/pending_file.ts";

// Batches
export {
  type Batch,
  type BatchShape,
  fixedBatches,
  randomBatch,
  requireVocabulary,
  requireWindow,
} from "../dataset/batches.ts";
