// Opens a file of token ids, whatever wrote it.
import { isUtf8 } from "node:buffer";
import { option, say, UserError } from "../../errors.ts";
import { PositionedFile } from "../../io/positioned_file.ts";
import type { TokenDtype } from "../npy_format.ts";
import { NpyReader } from "../npy_file.ts";
import { ShardedTokens } from "../sharded_tokens.ts";
import type { TokenSource } from "../token_source.ts";
import { isLlmc, LLMC_HEADER_BYTES, parseLlmcHeader } from "./llmc_header.ts";
import { NpzTokens } from "./npz_tokens.ts";
import { RawTokens } from "./raw_tokens.ts";
import { piecesOf, type TokenStream } from "./token_stream.ts";

/** Formats without a header, which nothing in the file tells. */
export const RAW_FORMATS: Readonly<Record<RawFormat, TokenDtype>> = { nanogpt: "uint16", uint32: "uint32" };

/** The name of a format without a header. */
export type RawFormat = "nanogpt" | "uint32";

/** Options for opening a file of token ids. */
export interface OpenTokenFileOptions {
  /** What the file is, if it has no header. Default: nanoGPT's, if nothing speaks against it. */
  readonly fromFormat?: RawFormat;
  /** The array of an .npz file with several. */
  readonly array?: string;
}

/**
 * Opens a .npy or .npz file, a .bin of llm.c or nanoGPT, or shards by their index (`….json`). All but files without a
 * header are known by their first bytes.
 *
 * @throws {UserError} If the file is another one, damaged, or its format is not what was said.
 * @throws {Deno.errors.NotFound} If there is none.
 */
export async function openTokenFile(path: string, options: OpenTokenFileOptions = {}): Promise<TokenStream> {
  if (path.endsWith(".json")) return streamOf(await ShardedTokens.open(path), "shards");
  const head = await readHead(path);
  const { fromFormat, array } = options;
  const known = startsWith(head, "\x93NUMPY")
    ? "npy"
    : startsWith(head, "PK")
    ? "npz"
    : isLlmc(head)
    ? "llm.c"
    : undefined;
  if (known !== undefined && fromFormat !== undefined) {
    throw new UserError(
      say`Cannot read ${path} as ${fromFormat}: got a file with a header (${known}), must be one without. Leave ${
        option("fromFormat")
      } out`,
    );
  }
  if (array !== undefined && known !== "npz") {
    throw new UserError(
      say`Cannot read an array of ${path}: got no .npz file, must be one. Leave ${option("array")} out`,
    );
  }
  if (known === "npy") return streamOf(await NpyReader.open(path), ".npy");
  if (known === "npz") return await NpzTokens.open(path, array);
  if (known === "llm.c") {
    const { dtype, length } = parseLlmcHeader(head, path);
    return streamOf(await RawTokens.open(path, dtype, LLMC_HEADER_BYTES, length), `llm.c's ${dtype}`);
  }
  const format = fromFormat ?? guessRaw(head, path);
  return streamOf(await RawTokens.open(path, RAW_FORMATS[format]), `${RAW_FORMATS[format]} without a header`);
}

function streamOf(source: TokenSource & Disposable & { readonly dtype: TokenDtype }, format: string): TokenStream {
  const shape = source instanceof NpyReader ? source.shape : [source.length];
  const { name, length, dtype, provenance } = source;
  return {
    name,
    format,
    length,
    shape,
    dtype,
    ...(provenance && { provenance }),
    pieces: () => piecesOf(source),
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

/** What is looked at of a file without a header. */
const HEAD_BYTES = 1 << 16;

/** Other files that people name .bin, by their first bytes. */
const OTHERS = ["GGUF", "PAR1", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\x7fELF", "%PDF-"];

/** The format of a file without a known header: nanoGPT's, unless it looks like another. */
function guessRaw(head: Uint8Array, path: string): RawFormat {
  const refuse = (got: string) => {
    throw new UserError(
      say`Cannot read ${path}: got ${got}, must be .npy, .npz, or a .bin of llm.c or nanoGPT. If it is ids without a header, say so: ${
        option("fromFormat", "nanogpt")
      } (uint16) or ${option("fromFormat", "uint32")}`,
    );
  };
  if (!path.endsWith(".bin") || OTHERS.some((start) => startsWith(head, start))) return refuse("another format");
  if (isText(head)) return refuse("what looks like text");
  const upper = Array.from({ length: head.length >> 2 }, (_, i) => head[4 * i + 2] | head[4 * i + 3]);
  if (upper.length >= 8 && upper.every((byte) => byte === 0)) {
    return refuse("what looks like uint32, or text in UTF-32");
  }
  return "nanogpt";
}

/** Ids below 256 have a byte of 0, which no text has, and most others are no UTF-8. */
function isText(head: Uint8Array): boolean {
  // The last character may be cut off.
  const whole = [0, 1, 2, 3].map((cut) => head.subarray(0, head.length - cut));
  return head.length > 0 && !head.includes(0) && whole.some((bytes) => isUtf8(bytes));
}

async function readHead(path: string): Promise<Uint8Array> {
  using file = await PositionedFile.open(path);
  const head = new Uint8Array(Math.min(file.size, HEAD_BYTES));
  return head.subarray(0, file.readUpTo(0, head));
}

function startsWith(bytes: Uint8Array, latin1: string): boolean {
  return bytes.length >= latin1.length && Array.from(latin1).every((char, i) => bytes[i] === char.charCodeAt(0));
}
