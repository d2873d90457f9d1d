// Counted words on disk, to be added up elsewhere.
//
// A file is the line "bpe-counts 1", a line of JSON (pattern, special tokens, number of words), and the words in byte order.
// Each word is: the number of bytes it shares with the word before, the number of the rest, the rest, its count; numbers
// in LEB128. The last 32 bytes are the SHA-256 of all before.
import { createHash } from "node:crypto";
import { UserError } from "../errors.ts";
import { ByteReader, ByteWriter } from "../io/leb128.ts";
import type { CountedText } from "./count_texts.ts";
import { compareWords, sortWords, wordsFrom } from "./sorted_words.ts";
import type { PatternName } from "./patterns.ts";

const MAGIC = "bpe-counts 1\n";
const HASH_BYTES = 32;

interface CountHeader {
  readonly pattern: PatternName;
  readonly specialTokens: readonly string[];
  readonly words: number;
}

/** The bytes of a count file. Equal counts give equal bytes, in whatever order the words were seen. */
export function formatCounts({ words, specialTokens, pattern }: CountedText): Uint8Array<ArrayBuffer> {
  const { arena, offsets, counts } = sortWords(words);
  const header: CountHeader = { pattern, specialTokens, words: counts.length };
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
  out.writeBytes(createHash("sha256").update(out.bytes).digest());
  return out.bytes.slice();
}

/**
 * Reads a count file.
 *
 * @param name What the file is called, for messages.
 * @throws {UserError} if it is not a count file, or its checksum is wrong.
 */
export function parseCounts(file: Uint8Array, name: string): CountedText {
  const refuse = (got: string, mustBe: string): never => {
    throw new UserError(`Cannot read ${name}: got ${got}, must be ${mustBe}. Make it again with: deno task count`);
  };
  const decoder = new TextDecoder();
  if (decoder.decode(file.subarray(0, MAGIC.length)) !== MAGIC) refuse("another format", "a count file");
  const body = file.subarray(0, Math.max(MAGIC.length, file.length - HASH_BYTES));
  const hash = createHash("sha256").update(body).digest();
  if (hash.some((byte, i) => byte !== file[body.length + i])) refuse("a wrong checksum", "a complete count file");
  const headerEnd = body.indexOf(0x0a, MAGIC.length);
  const header = JSON.parse(decoder.decode(body.subarray(MAGIC.length, headerEnd))) as CountHeader;
  const reader = new ByteReader(body, headerEnd + 1);
  const arena = new ByteWriter();
  const offsets = new Uint32Array(header.words + 1);
  const counts = new Float64Array(header.words);
  for (let word = 0; word < header.words; word++) {
    const shared = reader.readNumber();
    const rest = reader.readBytes(reader.readNumber());
    if (shared > 0) arena.writeBytes(arena.bytes.slice(offsets[word - 1], offsets[word - 1] + shared));
    arena.writeBytes(rest);
    offsets[word + 1] = arena.length;
    counts[word] = reader.readNumber();
  }
  return {
    words: { arena: arena.bytes, offsets, counts },
    specialTokens: header.specialTokens,
    pattern: header.pattern,
  };
}

/**
 * Adds up counts of several texts. The words of each must be sorted, as {@linkcode parseCounts} gives them; so are those
 * of the sum.
 *
 * @param parts Counts and what they are called, for messages.
 * @throws {UserError} if they were made with different special tokens or patterns, or a sum is beyond 2^53.
 */
export async function addCounts(
  parts: AsyncIterable<CountedText & { readonly name: string }>,
): Promise<CountedText> {
  let first: (CountedText & { readonly name: string }) | undefined;
  // Sums of 1, 2, 4, … parts, so that each word is copied a logarithmic number of times.
  const levels: (CountedText["words"] | undefined)[] = [];
  for await (const part of parts) {
    first ??= part;
    for (const what of ["specialTokens", "pattern"] as const) {
      if (JSON.stringify(part[what]) === JSON.stringify(first[what])) continue;
      throw new UserError(
        `Cannot add ${part.name} to ${first.name}: got ${what} ${JSON.stringify(part[what])}, must be ${
          JSON.stringify(first[what])
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
  return { words, specialTokens: first.specialTokens, pattern: first.pattern };
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
