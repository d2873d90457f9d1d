// Unpacks pages. None becomes longer than its header says, which was checked.
import type { Compressors } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";

const limit = (length: number) => ({ maxOutputLength: Math.max(1, length) });

/** By the names of codecs in files; snappy is the library's own. */
export const CODECS: Compressors = {
  GZIP: (input, length) => gunzipSync(input, limit(length)),
  BROTLI: (input, length) => brotliDecompressSync(input, limit(length)),
  ZSTD: (input, length) => zstdDecompressSync(input, limit(length)),
  LZ4: compressors.LZ4,
  LZ4_RAW: compressors.LZ4_RAW,
};
