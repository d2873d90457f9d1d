// Word counts on disk, to be added up elsewhere.
//
// A file is the line "bpe-counts 1", a line of JSON (pattern, special tokens, number of words, and if it is not empty the
// normalizer), and the words in byte order.
// Each word is: the number of bytes it shares with the word before, the number of the rest, the rest, its count; numbers
// in LEB128. The last 32 bytes are the SHA-256 of all before.
import { call, say, UserError } from "../../errors.ts";
import { excerpt } from "../../io/excerpt.ts";
import { JsonFields } from "../../io/json_fields.ts";
import { ByteReader, ByteWriter, DamagedBytesError } from "../../io/leb128.ts";
import { portableSha256 } from "../../io/portable_sha256.ts";
import type { CountedText } from "./count_texts.ts";
import { compareWords, sortWords, wordsFrom } from "../../tokenizer/train/sorted_words.ts";
import { MAX_STRETCH_BYTES } from "../../tokenizer/pretokenize/long_stretch.ts";
import type { NormalizerStep } from "../../tokenizer/normalize/normalizer_steps.ts";
import type { Pattern } from "../../tokenizer/pretokenize/named_patterns.ts";
import { readNormalizerStep } from "../../tokenizer/vocabulary/normalizer_json.ts";
import { readPatternField } from "../../tokenizer/vocabulary/pre_tokenizer_json.ts";

const MAGIC = "bpe-counts 1\n";
const HASH_BYTES = 32;
const NEXT_STEP = say`Make it again with: ${call("formatCounts")}`;

/** Each word has three numbers of at least one byte each. */
const MIN_WORD_BYTES = 3;
/**
 * All words together may take this many times the file's bytes; for a small file, more. Real text takes twice as many.
 */
const MAX_EXPANSION = 64;
const MIN_MAX_ARENA_BYTES = 64 << 20;

interface CountHeader {
  /** A name, or the steps of a pre_tokenizer. */
  readonly pattern: Pattern;
  readonly specialTokens: readonly string[];
  readonly words: number;
  readonly normalizer?: readonly NormalizerStep[];
}

/** The bytes of a count file. Equal counts give equal bytes, in whatever order the words were seen. */
export function formatCounts({ words, specialTokens, pattern, normalizer }: CountedText): Uint8Array<ArrayBuffer> {
  const { arena, offsets, counts } = sortWords(words);
  const header: CountHeader = { pattern, specialTokens, words: counts.length, ...(normalizer && { normalizer }) };
  const out = new ByteWriter();
  out.writeBytes(new TextEncoder().encode(`${MAGIC}${JSON.stringify(header)}\n`));
  for (let word = 0, before = 0, beforeEnd = 0; word < counts.length; word++) {
    const start = offsets[word], end = offsets[word + 1];
    let shared = 0;
    while (before + shared < beforeEnd && start + shared < end && arena[before + shared] === arena[start + shared]) {
      shared++;
    }
    out.writeNumber(shared);
    out.writeNumber(end - start - shared);
    out.writeBytes(arena.subarray(start + shared, end));
    out.writeNumber(counts[word]);
    before = start;
    beforeEnd = end;
  }
  out.writeBytes(portableSha256(out.bytes));
  return out.bytes.slice();
}

/**
 * Reads a count file. Memory stays within a multiple of the file's size, whatever the file holds.
 *
 * @param name What the file is called, for messages.
 * @throws {UserError} If it is not a count file, or its checksum or anything in it is wrong.
 */
export function parseCounts(file: Uint8Array, name: string): CountedText {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(say`Cannot read ${name}: got ${got}, must be ${mustBe}. ${NEXT_STEP}`);
  };
  const decoder = new TextDecoder();
  if (decoder.decode(file.subarray(0, MAGIC.length)) !== MAGIC) refuse("another format", "a count file");
  const body = file.subarray(0, Math.max(MAGIC.length, file.length - HASH_BYTES));
  const hash = portableSha256(body);
  if (hash.some((byte, i) => byte !== file[body.length + i])) refuse("a wrong checksum", "a complete count file");
  const headerEnd = body.indexOf(0x0a, MAGIC.length);
  if (headerEnd < 0) refuse("no line end after the header", "one");
  const header = parseHeader(decoder.decode(body.subarray(MAGIC.length, headerEnd)), name);
  try {
    const words = readWords(body.subarray(headerEnd + 1), header.words, refuse);
    return { words, ...splitOf(header) };
  } catch (error) {
    if (!(error instanceof DamagedBytesError)) throw error;
    return refuse("words cut short, or a number above 2^53 - 1", "a complete count file");
  }
}

/** The header, every field of it checked. */
function parseHeader(text: string, name: string): CountHeader {
  const header = JsonFields.parse(text, { name, nextStep: NEXT_STEP });
  header.allowOnly(["pattern", "specialTokens", "words", "normalizer"]);
  const specialTokens = header.list("specialTokens").filter((token) => typeof token === "string" && token !== "");
  const isAsWritten = specialTokens.length === header.list("specialTokens").length &&
    new Set(specialTokens).size === specialTokens.length;
  if (!isAsWritten) header.refuse("specialTokens", "a list of texts that differ, none of them empty");
  return {
    pattern: readPatternField(header, "pattern", name),
    specialTokens: specialTokens as string[],
    words: header.integer("words", { min: 0 }),
    ...(header.has("normalizer") && { normalizer: header.objects("normalizer").map(readNormalizerStep) }),
  };
}

/** How the text was split. */
function splitOf({ specialTokens, pattern, normalizer }: Omit<CountedText, "words">): Omit<CountedText, "words"> {
  return { specialTokens, pattern, ...(normalizer && { normalizer }) };
}

function readWords(
  bytes: Uint8Array,
  numWords: number,
  refuse: (got: string, mustBe: string) => never,
): CountedText["words"] {
  if (numWords > bytes.length / MIN_WORD_BYTES) {
    refuse(`${numWords} words in ${bytes.length} bytes`, `at least ${MIN_WORD_BYTES} bytes for each`);
  }
  // A word may share bytes with the one before, so a few bytes may stand for many: they are counted first.
  const maxArenaBytes = Math.min(2 ** 32 - 1, MIN_MAX_ARENA_BYTES + bytes.length * MAX_EXPANSION);
  const first = new ByteReader(bytes);
  let arenaBytes = 0;
  for (let word = 0, length = 0; word < numWords; word++) {
    const shared = first.readNumber();
    if (shared > length) refuse(`word ${word} that shares ${shared} bytes with one of ${length}`, "no more than all");
    const rest = first.readNumber();
    first.readBytes(rest);
    length = shared + rest;
    arenaBytes += length;
    if (length > MAX_STRETCH_BYTES || arenaBytes > maxArenaBytes) {
      refuse(`words of ${arenaBytes} bytes and more in ${bytes.length}`, "words as they are counted");
    }
    if (first.readNumber() === 0) refuse(`word ${word} with a count of 0`, "at least 1");
  }
  if (first.left > 0) refuse(`${first.left} bytes after the last word`, "none");

  const reader = new ByteReader(bytes);
  const words = {
    arena: new Uint8Array(arenaBytes),
    offsets: new Uint32Array(numWords + 1),
    counts: new Float64Array(numWords),
  };
  const { arena, offsets, counts } = words;
  for (let word = 0, start = 0; word < numWords; word++) {
    const at = offsets[word];
    const shared = reader.readNumber();
    arena.copyWithin(at, start, start + shared);
    const rest = reader.readBytes(reader.readNumber());
    arena.set(rest, at + shared);
    offsets[word + 1] = at + shared + rest.length;
    counts[word] = reader.readNumber();
    if (word > 0 && compareWords(words, word - 1, words, word) >= 0) {
      refuse(`word ${word} out of order`, "words in the order of their bytes, each once");
    }
    start = at;
  }
  return words;
}

/**
 * Adds up the counts of several texts. The words of each must be sorted, as {@linkcode parseCounts} returns them; so
 * are those of the sum.
 *
 * @param parts Counts, and their names for messages.
 * @throws {UserError} If they were made with different special tokens or patterns, or a sum exceeds 2^53.
 */
export async function addCounts(
  parts: AsyncIterable<CountedText & { readonly name: string }>,
): Promise<CountedText> {
  let first: (CountedText & { readonly name: string }) | undefined;
  // Sums of 1, 2, 4, … parts, so that each word is copied only a logarithmic number of times.
  const levels: (CountedText["words"] | undefined)[] = [];
  for await (const part of parts) {
    first ??= part;
    for (const what of ["specialTokens", "pattern", "normalizer"] as const) {
      if (JSON.stringify(part[what]) === JSON.stringify(first[what])) continue;
      throw new UserError(
        `Cannot add ${part.name} to ${first.name}: got ${what} ${excerpt(part[what])}, must be ${
          excerpt(first[what])
        }. Count all texts alike`,
      );
    }
    let sum = part.words;
    let level = 0;
    for (let other = levels[level]; other !== undefined; other = levels[level]) {
      sum = addSorted(other, sum);
      levels[level++] = undefined;
    }
    levels[level] = sum;
  }
  if (first === undefined) throw new UserError("Cannot add counts: got no files, must be one or more. Name them");
  const words = levels.filter((level) => level !== undefined).reduce((sum, level) => addSorted(sum, level));
  return { words, ...splitOf(first) };
}

function addSorted(a: CountedText["words"], b: CountedText["words"]): CountedText["words"] {
  const picked: number[] = []; // words of a, or -1 - word of b
  const counts: number[] = [];
  const numA = a.counts.length, numB = b.counts.length;
  for (let i = 0, j = 0; i < numA || j < numB;) {
    const order = i === numA ? 1 : j === numB ? -1 : compareWords(a, i, b, j);
    const sum = (order <= 0 ? a.counts[i] : 0) + (order >= 0 ? b.counts[j] : 0);
    if (!Number.isSafeInteger(sum)) {
      throw new UserError(`Cannot add counts: got a sum of ${sum}, must be below 2^53. Give fewer files`);
    }
    picked.push(order <= 0 ? i : -1 - j);
    counts.push(sum);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return wordsFrom(picked.length, (k) => picked[k] >= 0 ? [a, picked[k]] : [b, -1 - picked[k]], counts);
}
