// Tells from the first bytes whether a file is text.
import { type Structure, structureOf } from "./structured_text.ts";

/** How many bytes are examined. */
export const EXAMINED_BYTES = 8192;

/** What the first bytes of a text tell. */
export interface ExaminedText {
  readonly kind: "text";
  /** False for text in Latin-1, for example. The tokenizer accepts any bytes, so such text is used as it is. */
  readonly isUtf8: boolean;
  /** Whether it starts with U+FEFF, which is treated as part of the text. */
  readonly hasByteOrderMark: boolean;
  /** How it is stored, if that is neither UTF-8 nor an unknown encoding. A mark says so, which is no part of the text. */
  readonly encoding?: WideEncoding;
  /** What it looks like, if it seems to be many texts in a table rather than one. */
  readonly structure?: Structure;
}

/** Encodings that are read as the same text in UTF-8 is. */
export type WideEncoding = "utf-16le" | "utf-16be";

/** Packed data that is unpacked. */
export type Packing = "gzip" | "zstd";

/** What a Parquet file is called. A program may know how to read one. */
export const PARQUET = "a Parquet file";

/** What the first bytes of something tell. */
export type Examined =
  | ExaminedText
  | { readonly kind: Packing }
  | {
    readonly kind: "other";
    /** What it is: `"an xz archive"`. */
    readonly format: string;
    /** How to turn it into text, as a sentence without its full stop. */
    readonly nextStep: string;
  };

const UTF16 = "Convert it first, with iconv -f UTF-16 -t UTF-8";
const UTF32 = "Convert it first, with iconv -f UTF-32 -t UTF-8";
const TABLE = "Write its texts as .jsonl first";
const IMAGE = "Leave it out";

/**
 * Formats by their first bytes, written as Latin-1: what it is, and how to turn it into text.
 *
 * Sources: file(1)'s magic files; https://en.wikipedia.org/wiki/List_of_file_signatures
 */
const FORMATS: readonly (readonly [start: string, format: string, nextStep: string])[] = [
  ["\xfd7zXZ\0", "an xz archive", "Unpack it first, with xz -dk"],
  ["\x04\x22\x4d\x18", "an lz4 archive", "Unpack it first, with lz4 -d"],
  ["\x1f\x9d", "a compress archive", "Unpack it first, with uncompress"],
  [
    "PK\x03\x04",
    "a zip archive or an office document",
    "Unpack it with unzip, or save it as plain text",
  ],
  ["PK\x05\x06", "an empty zip archive", "Name another file"],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first, with 7z x"],
  ["Rar!\x1a\x07", "a RAR archive", "Unpack it first"],
  ["PAR1\x15", PARQUET, TABLE],
  ["ARROW1\0", "an Arrow file", TABLE],
  ["\xff\xff\xff\xff", "an Arrow stream", TABLE],
  ["FEA1\0\0\0\0", "a Feather file", TABLE],
  ["ORC\x03", "an ORC file", TABLE],
  ["Obj\x01", "an Avro file", TABLE],
  ["SQLite format 3\0", "an SQLite database", TABLE],
  ["\x89HDF\r\n\x1a\n", "an HDF5 file", TABLE],
  ["\x93NUMPY", "a NumPy file", "Name the text that it was encoded from"],
  // The numbers 20240520 and 20240801.
  ["\x88\xd8\x34\x01", "a token file of llm.c", "Name the text that it was encoded from"],
  ["\xa1\xd9\x34\x01", "a token file of llm.c", "Name the text that it was encoded from"],
  ["bpe-counts 1\n", "a count file", "Give it to train-bpe as counts"],
  ["GGUF\x02\0", "a GGUF file", "Name a text file"],
  ["GGUF\x03\0", "a GGUF file", "Name a text file"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Office 2003 or before", "Save it as plain text"],
  ["%PDF-", "a PDF document", "Convert it first, with pdftotext"],
  ["\x7fELF", "a program (ELF)", "Name a text file"],
  ["\x89PNG\r\n\x1a\n", "an image (PNG)", IMAGE],
  ["\xff\xd8\xff", "an image (JPEG)", IMAGE],
  ["GIF87a", "an image (GIF)", IMAGE],
  ["GIF89a", "an image (GIF)", IMAGE],
  // UTF-32's mark comes before UTF-16's, because it begins with it.
  ["\xff\xfe\0\0", "text in UTF-32", UTF32],
  ["\0\0\xfe\xff", "text in UTF-32", UTF32],
];

const UTF16_MARKS: readonly (readonly [mark: string, encoding: WideEncoding])[] = [
  ["\xff\xfe", "utf-16le"],
  ["\xfe\xff", "utf-16be"],
];

/** Formats that identify themselves further on: where, and by what bytes. */
const LATER: readonly (readonly [offset: number, bytes: string, format: string, nextStep: string])[] = [
  // After "BZh" and a digit.
  [4, "1AY&SY", "a bzip2 archive", "Unpack it first, with bzip2 -dk"],
  // The header follows its length, which is below 2^32.
  [4, '\0\0\0\0{"', "a safetensors file", "Name a text file"],
  [257, "ustar", "a tar archive", "Unpack it first, with tar -xf"],
];

/**
 * Finds out what bytes are.
 *
 * Text in an unknown encoding counts as text: a byte-level tokenizer learns Latin-1 just as it learns UTF-8. So does
 * text with a stray NUL or another control character, which crawled text has. Binary data is full of them.
 *
 * @param head The first {@linkcode EXAMINED_BYTES} bytes, or all if there are fewer.
 */
export function examineText(head: Uint8Array): Examined {
  if (startsWith(head, "\x1f\x8b\x08")) return { kind: "gzip" };
  if (startsWith(head, "\x28\xb5\x2f\xfd") || isSkippableZstd(head)) return { kind: "zstd" };
  const known = FORMATS.find(([start]) => startsWith(head, start));
  if (known !== undefined) return { kind: "other", format: known[1], nextStep: known[2] };
  const later = LATER.find(([offset, bytes]) => startsWith(head.subarray(offset), bytes));
  if (later !== undefined) return { kind: "other", format: later[2], nextStep: later[3] };
  const wide = UTF16_MARKS.find(([mark]) => startsWith(head, mark));
  if (wide !== undefined) return wideText(head, wide[1]);
  return encodingWithoutMark(head) ?? textOrBinary(head);
}

/** A frame that readers pass over: pzstd and seekable files begin with one, and a frame of data follows. */
function isSkippableZstd(head: Uint8Array): boolean {
  return head.length >= 8 && (head[0] & 0xf0) === 0x50 && startsWith(head.subarray(1), "\x2a\x4d\x18");
}

/** Whether a UTF-16 text looks like a table is told from the same text in UTF-8. */
function wideText(head: Uint8Array, encoding: WideEncoding): ExaminedText {
  const text = new TextDecoder(encoding).decode(head, { stream: true });
  return textWith({ kind: "text", isUtf8: true, hasByteOrderMark: false, encoding }, text, head);
}

function textWith(examined: ExaminedText, text: string, head: Uint8Array): ExaminedText {
  const structure = structureOf(text, head.length < EXAMINED_BYTES);
  return structure === undefined ? examined : { ...examined, structure };
}

/** UTF-32 and UTF-16 with mostly Latin text: every character has NULs in the same place. */
function encodingWithoutMark(head: Uint8Array): Examined | undefined {
  const numChars = head.length >> 2;
  if (numChars === 0) return undefined;
  const nulls = [0, 0, 0, 0];
  for (let i = 0; i < numChars * 4; i++) if (head[i] === 0) nulls[i & 3]++;
  const [a, b, c, d] = nulls.map((count) => count / numChars);
  if ((c > 0.9 && d > 0.9 && a < 0.1) || (a > 0.9 && b > 0.9 && d < 0.1)) {
    return { kind: "other", format: "text in UTF-32", nextStep: UTF32 };
  }
  const even = (a + c) / 2, odd = (b + d) / 2;
  if ((odd > 0.3 && even < 0.02) || (even > 0.3 && odd < 0.02)) {
    return { kind: "other", format: "text in UTF-16", nextStep: UTF16 };
  }
  return undefined;
}

function textOrBinary(head: Uint8Array): Examined {
  let nulls = 0, controls = 0;
  for (const byte of head) {
    if (byte === 0) nulls++;
    else if (isOddControl(byte)) controls++;
  }
  const { length } = head;
  const isUtf8 = isValidUtf8(head);
  const invalid = isUtf8 ? 0 : numInvalid(head);
  // Among random bytes, 1 in 256 is NUL, 1 in 11 is another control character, and almost all above 127 are invalid.
  const isBinary = nulls > 1 + length / 512 || controls > 1 + length / 8 ||
    (controls > 1 + length / 64 && invalid > length / 64);
  if (isBinary) return { kind: "other", format: "binary data", nextStep: "Name a text file" };
  const examined = { kind: "text", isUtf8, hasByteOrderMark: startsWith(head, "\xef\xbb\xbf") } as const;
  return isUtf8 ? textWith(examined, new TextDecoder().decode(head, { stream: true }), head) : examined;
}

/** Control characters, except those for layout and colour: backspace, tab, line ends, page break, escape. */
function isOddControl(byte: number): boolean {
  return byte === 0x7f || (byte < 0x20 && (byte < 8 || byte > 13) && byte !== 0x1b);
}

/** Whether bytes are UTF-8; the last character may be cut off. */
function isValidUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function numInvalid(bytes: Uint8Array): number {
  return new TextDecoder().decode(bytes, { stream: true }).split("\ufffd").length - 1;
}

function startsWith(bytes: Uint8Array, latin1: string): boolean {
  if (bytes.length < latin1.length) return false;
  for (let i = 0; i < latin1.length; i++) if (bytes[i] !== latin1.charCodeAt(i)) return false;
  return true;
}
