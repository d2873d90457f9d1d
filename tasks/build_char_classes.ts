// Writes lib/tokenizer/pretokenize/char_class_table.b64 from this JavaScript engine's Unicode tables.
//   deno run --allow-write tasks/build_char_classes.ts
//
// The table is committed, so that ids do not depend on the engine's Unicode version. Unicode 16, as in tiktoken and
// Hugging Face tokenizers; tests/tokenizer/pretokenize/char_class_table_test.ts compares it with the engine.
import { CharClass } from "../lib/tokenizer/pretokenize/char_class.ts";

const PROPERTIES: [number, RegExp][] = [
  [CharClass.SPACE, /\p{White_Space}/u],
  [CharClass.NUMBER, /\p{N}/u],
  [CharClass.UPPER, /[\p{Lu}\p{Lt}]/u],
  [CharClass.LOWER, /\p{Ll}/u],
  [CharClass.CASELESS, /[\p{Lm}\p{Lo}]/u],
  [CharClass.MARK, /\p{M}/u],
];

function classOf(codePoint: number): number {
  const char = String.fromCodePoint(codePoint);
  return PROPERTIES.find(([, pattern]) => pattern.test(char))?.[0] ?? CharClass.OTHER;
}

/** Runs of equal class: 3 bits class, 4 bits length and a continuation bit, then 7 bits of length per byte, low first. */
function pack(): Uint8Array {
  const bytes: number[] = [];
  for (let start = 0; start < 0x110000;) {
    const runClass = classOf(start);
    let end = start + 1;
    while (end < 0x110000 && classOf(end) === runClass) end++;
    let rest = (end - start) >> 4;
    bytes.push(runClass | ((end - start) & 15) << 3 | (rest > 0 ? 0x80 : 0));
    for (; rest > 0; rest >>= 7) bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    start = end;
  }
  return new Uint8Array(bytes);
}

export async function main(): Promise<number> {
  await Deno.writeTextFile(
    new URL("../lib/tokenizer/pretokenize/char_class_table.b64", import.meta.url),
    `${pack().toBase64()}\n`,
  );
  return 0;
}

if (import.meta.main) Deno.exit(await main());
