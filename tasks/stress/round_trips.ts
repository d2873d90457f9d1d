// Random bytes to ids and back, under each pattern.
import { Buffer } from "node:buffer";
import { PATTERN_NAMES } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import type { Attack, Campaign, Random } from "./campaign.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

/** Trips between two looks at the clock. */
const TRIPS = 1000;

/** Pieces of text that tokenizers trip over: spaces, digits, marks, other scripts, special tokens and parts of them. */
const PIECES = [
  " ",
  "  \n",
  "\r\n",
  "\t",
  "\u00a0",
  "\u3000",
  "'s",
  "'LL",
  "12345",
  "don't",
  "naïve",
  "東京都",
  "👩‍👩‍👧",
  "שלום",
  "ﬁ",
  "\0",
  "<|endoftext|>",
  "<|endof",
].map((piece) => new TextEncoder().encode(piece));

export const roundTrips: Campaign = {
  name: "round-trips",
  unit: "texts of random bytes",
  holds: "decode(encode(bytes)) is the bytes, under each pattern",
  goal: 1_000_000,
  run: async (attack: Attack) => {
    const text = await Deno.readFile(TEXT);
    const tokenizers = [];
    for (const pattern of PATTERN_NAMES) {
      tokenizers.push({ pattern, tokenizer: await trainBpe(text, { vocabSize: 1000, pattern }) });
    }
    while (attack.goesOn) {
      for (let i = 0; i < TRIPS; i++) {
        const { pattern, tokenizer } = tokenizers[attack.tries++ % tokenizers.length];
        const bytes = randomText(attack.random, text);
        const back = tokenizer.decodeBytes(tokenizer.encode(bytes));
        if (!isSame(bytes, back)) attack.fault(`${pattern}: ${bytes.toHex()} came back as ${back.toHex()}`);
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
  },
};

/** Random bytes, pieces that are hard, and real text, cut anywhere. */
function randomText(random: Random, text: Uint8Array): Uint8Array {
  const parts = Array.from({ length: 1 + random.below(4) }, () => {
    const kind = random.below(3);
    if (kind === 0) return random.bytes(random.below(12));
    if (kind === 1) return random.pick(PIECES);
    const start = random.below(text.length);
    return text.subarray(start, start + random.below(24));
  });
  return Buffer.concat(parts);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
