// Hostile text for property tests.
import fc from "fast-check";

/** Specials that overlap, hold spaces, and share a beginning with ordinary text. */
export const SPECIALS = ["<|endoftext|>", "<|end|>", "<|end|><|end|>", "a b", "'s"];

/** Specials of one byte, with an id of their own or a byte's; that begin alike; and that hold others. */
export const OVERLAPPING_SPECIALS = [
  "a",
  "\n",
  " ",
  "b ",
  "<|",
  "<|end",
  "<|end|>",
  "s<|end|>s",
  "the",
  "ab",
  "abab",
  "éé",
];

// Few letters, so that pairs repeat; and what the pattern and the cutting find hard.
const ATOMS = [
  ..."aabbst ",
  ..."  \n\t\r'\"",
  ..."0719",
  ..."éß",
  ..."你好",
  "🙃",
  "👩‍👩‍👧",
  "e\u0301",
  "\u00a0",
  "\u0085",
  "\ufeff",
  "\u3000",
  "\u2028",
  "'s",
  "'ll",
  "'ve",
  "'re",
  "'S",
  "don't",
  "\r\n",
  "   ",
  "ⅷ",
  "½",
  "١",
  "ǅ",
  "ʰ",
  "\u200d",
  "𝔘",
  "𐐷",
  "\u{10ffff}",
  "<|endoftext|>",
  "<|end|>",
  "<|end",
  "|>",
  "a b",
  "<|",
];

/** Text made of hard pieces, sometimes of any characters. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...ATOMS), { maxLength: 40 }).map((atoms) => atoms.join("")) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
);

/** Long text, mostly ASCII: the kernel reads that 64 bytes at a time. */
export const longText: fc.Arbitrary<string> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.stringMatching(/^[ a-z'0-9.,\n\t-]{0,20}$/) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        " ",
        "  ",
        "'s",
        "'ll ",
        "n't",
        "'",
        " 's",
        "''",
        "\r\n",
        "!?",
        "x".repeat(70),
        " ".repeat(65),
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom(...ATOMS) },
  ),
  { minLength: 5, maxLength: 60 },
).map((parts) => parts.join(""));

/** UTF-8, sometimes with bytes in it that are not. */
export const hostileBytes: fc.Arbitrary<Uint8Array> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: hostileText.map((text) => new TextEncoder().encode(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }) },
  ),
  { maxLength: 4 },
).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

/** Positions, as fractions, where to cut. */
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

/** Bytes together with the same bytes cut into pieces anywhere: also everywhere, and into empty pieces. */
export const cutBytes: fc.Arbitrary<{ bytes: Uint8Array; pieces: Uint8Array[] }> = fc.record({
  bytes: hostileBytes,
  cuts: fractions,
  everywhere: fc.boolean(),
}).map(({ bytes, cuts, everywhere }) => {
  const at = everywhere
    ? Array.from(bytes, (_, i) => i)
    : cuts.map((cut) => Math.round(cut * bytes.length)).sort((a, b) => a - b);
  const pieces = [0, ...at].map((from, i) => bytes.slice(from, at[i] ?? bytes.length));
  return { bytes, pieces };
});
