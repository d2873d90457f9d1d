import { assertEquals } from "@std/assert";
import { CharClass } from "../../../lib/tokenizer/pretokenize/char_class.ts";
import { charAt } from "../../../lib/tokenizer/pretokenize/char_class_table.ts";

const PROPERTIES: [number, RegExp][] = [
  [CharClass.SPACE, /\p{White_Space}/gu],
  [CharClass.NUMBER, /\p{N}/gu],
  [CharClass.UPPER, /[\p{Lu}\p{Lt}]/gu],
  [CharClass.LOWER, /\p{Ll}/gu],
  [CharClass.CASELESS, /[\p{Lm}\p{Lo}]/gu],
  [CharClass.MARK, /\p{M}/gu],
];

Deno.test("charAt() gives every character the class that its Unicode properties say, and its length", () => {
  const expected = new Uint8Array(0x110000); // OTHER
  const all = Array.from(expected, (_, i) => i >= 0xd800 && i < 0xe000 ? "" : String.fromCodePoint(i)).join("");
  for (const [charClass, pattern] of PROPERTIES) {
    for (const [char] of all.matchAll(pattern)) expected[char.codePointAt(0)!] = charClass;
  }
  const bytes = new TextEncoder().encode(all);
  const got = new Uint8Array(0x110000);
  let at = 0;
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
    const char = charAt(bytes, at, bytes.length);
    got[codePoint] = char & 7;
    at += char >> 3;
  }
  assertEquals(at, bytes.length);
  // Unequal after a change of the engine's Unicode version: the table stays, as tiktoken's and Hugging Face's do.
  assertEquals(got, expected);
});

Deno.test("charAt() takes a byte that starts no valid sequence as a character of its own", () => {
  const cases = [
    "80",
    "bf",
    "c0af",
    "c1bf",
    "c2",
    "e08080",
    "e09f80",
    "eda080",
    "edbfbf",
    "e282",
    "f0808080",
    "f08fbfbf",
  ];
  for (const hex of [...cases, "f4908080", "f5808080", "f09f99", "fe", "ff", "c328", "e28228", "f09f9928"]) {
    const bytes = Uint8Array.fromHex(hex);
    assertEquals(charAt(bytes, 0, bytes.length), CharClass.OTHER | 1 << 3, hex);
  }
  // What lies after the end does not count.
  const bytes = new TextEncoder().encode("\u{1f643}");
  for (let end = 1; end < 4; end++) assertEquals(charAt(bytes, 0, end), CharClass.OTHER | 1 << 3);
});
