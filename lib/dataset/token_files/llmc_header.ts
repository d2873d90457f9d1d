// The header of llm.c's token files: 256 int32, of which the first three are magic, version and number of ids.
import { UserError } from "../../errors.ts";
import type { TokenDtype } from "../npy_format.ts";

/**
 * Two kinds, for the tokenizers of GPT-2 and Llama 3; what they differ in is how an id is stored.
 *
 * Source: llm.c's dev/data/data_common.py and llmc/dataloader.h
 */
const KINDS: readonly { readonly magic: number; readonly version: number; readonly dtype: TokenDtype }[] = [
  { magic: 20240520, version: 1, dtype: "uint16" },
  { magic: 20240801, version: 7, dtype: "uint32" },
];

/** Questions with answers to choose from, which are no text. */
const EVALUATION_MAGIC = 20240522;

/** Bytes before the ids. */
export const LLMC_HEADER_BYTES = 1024;

/** The number of ids is an int32. */
export const MAX_LLMC_IDS: number = 2 ** 31 - 1;

/** Whether a file's first bytes are those of one of llm.c's. */
export function isLlmc(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = new DataView(head.buffer, head.byteOffset).getInt32(0, true);
  return magic === EVALUATION_MAGIC || KINDS.some((kind) => kind.magic === magic);
}

/**
 * Reads the header of a file for which {@linkcode isLlmc} holds.
 * @throws {UserError} If it is cut off, of another version, or not one of token ids.
 */
export function parseLlmcHeader(
  head: Uint8Array,
  name: string,
): { readonly dtype: TokenDtype; readonly length: number } {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = view.getInt32(0, true);
  const kind = KINDS.find((kind) => kind.magic === magic);
  if (kind === undefined) {
    throw new UserError(
      `Cannot read ${name}: got llm.c's questions for an evaluation, must be token ids. Name another file`,
    );
  }
  if (head.length < LLMC_HEADER_BYTES) {
    throw new UserError(
      `Cannot read ${name}: got ${head.length} bytes, must be at least the ${LLMC_HEADER_BYTES} of llm.c's header. Fetch it again`,
    );
  }
  const version = view.getInt32(4, true), length = view.getInt32(8, true);
  if (version !== kind.version || length < 0) {
    const got = version !== kind.version ? `version ${version} of llm.c's token files` : `${length} ids`;
    throw new UserError(
      `Cannot read ${name}: got ${got}, must be ${version !== kind.version ? kind.version : "0 or more"}`,
    );
  }
  return { dtype: kind.dtype, length };
}

/** The header for `length` ids, {@linkcode LLMC_HEADER_BYTES} long. */
export function llmcHeader(dtype: TokenDtype, length: number): Uint8Array {
  const { magic, version } = KINDS.find((kind) => kind.dtype === dtype)!;
  const header = new Uint8Array(LLMC_HEADER_BYTES);
  const view = new DataView(header.buffer);
  for (const [i, value] of [magic, version, length].entries()) view.setInt32(4 * i, value, true);
  return header;
}
