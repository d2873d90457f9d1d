// Questions on Unicode.
import { formatCount } from "../../lib/accounting/units.ts";
import { code, type Section } from "./markdown.ts";
import type { Corpus } from "./texts.ts";

/** What a text weighs in each encoding of Unicode, in bytes, without a byte order mark. */
export interface EncodedSizes {
  readonly utf8: number;
  readonly utf16: number;
  readonly utf32: number;
}

/** Sizes of a text given as UTF-8. */
export function encodedSizes(bytes: Uint8Array): EncodedSizes {
  let utf16 = 0;
  let characters = 0;
  for (const byte of bytes) {
    // Every byte but a continuation byte begins a character; one of four bytes is a surrogate pair.
    if ((byte & 0xc0) === 0x80) continue;
    characters++;
    utf16 += byte >= 0xf0 ? 4 : 2;
  }
  return { utf8: bytes.length, utf16, utf32: 4 * characters };
}

/** Decodes one byte at a time, as if each were a character: wrong for all but ASCII. Returns what breaks it. */
export function firstByteThatFails(text: string): { readonly byte: number; readonly reason: string } | undefined {
  for (const byte of new TextEncoder().encode(text)) {
    const reason = decodingError(Uint8Array.of(byte));
    if (reason !== undefined) return { byte, reason };
  }
  return undefined;
}

/** How many of the 65,536 sequences of two bytes are UTF-8. */
export function countDecodablePairs(): number {
  let count = 0;
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      if (decodingError(Uint8Array.of(first, second)) === undefined) count++;
    }
  }
  return count;
}

function decodingError(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return error.message;
  }
}

const hex = (byte: number) => `0x${byte.toString(16).toUpperCase().padStart(2, "0")}`;

/** The section on Unicode. */
export function unicodeSection(corpora: readonly Corpus[]): Section {
  const nul = String.fromCodePoint(0);
  const failure = firstByteThatFails("uğur");
  const [first, second] = [0xc4, 0x41];
  const sizes = corpora.map(({ kind, bytes }) => {
    const { utf8, utf16, utf32 } = encodedSizes(bytes);
    const times = (size: number) => `${formatCount(size)} (${(size / utf8).toFixed(2)} ×)`;
    return `${kind}: UTF-8 ${formatCount(utf8)} bytes, UTF-16 ${times(utf16)}, UTF-32 ${times(utf32)}`;
  });
  return {
    title: "Unicode",
    answers: [
      {
        question: "What is `chr(0)`?",
        reference: "the null character, U+0000",
        here: `U+${nul.codePointAt(0)!.toString(16).padStart(4, "0")}, ${nul.length} character, ` +
          `${new TextEncoder().encode(nul).length} byte in UTF-8, category ${
            /^\p{Cc}$/u.test(nul) ? "Cc (control)" : "?"
          }`,
      },
      {
        question: "Its `repr` against its printed form",
        reference: "`'\\x00'`, and nothing visible",
        here: `${
          code(JSON.stringify(nul))
        } from JSON.stringify; printed, the byte itself, which a terminal does not show`,
      },
      {
        question: "In text",
        reference: "there, and invisible when printed",
        here: `${code(JSON.stringify(`this is a test${nul}string`))} keeps it: ${
          `this is a test${nul}string`.length
        } characters`,
      },
      {
        question: "Why UTF-8 and not UTF-16 or UTF-32?",
        reference: "smaller, and without runs of zero bytes",
        here: sizes.join("\n"),
      },
      {
        question: "Why is decoding byte by byte wrong?",
        reference: "fails on a character of several bytes, such as “uğur”",
        here: failure === undefined
          ? "it did not fail"
          : `“uğur” fails at byte ${
            hex(failure.byte)
          }, the first of ğ's two: ${failure.reason}. A byte above 0x7F is no character by itself`,
      },
      {
        question: "Two bytes that decode to nothing",
        reference: "a first byte without its continuation",
        here: `${hex(first)} ${hex(second)}: ${decodingError(Uint8Array.of(first, second)) ?? "it decoded"} ` +
          `(the second must be 0x80 to 0xBF). Of all ${formatCount(65_536)} pairs ${
            formatCount(countDecodablePairs())
          } are UTF-8`,
      },
    ],
  };
}
