// The slow tokenizer: regular expressions, strings and full recounts. Shares no code with lib/.
import type { PatternName } from "../../lib/tokenizer/pretokenize/patterns.ts";

/** JavaScript's \\s has U+FEFF and lacks U+0085: white space is spelled out. */
const whiteSpace = (pattern: string) =>
  new RegExp(
    pattern.replaceAll("[^\\s", "[^\\p{White_Space}").replaceAll("\\s", "\\p{White_Space}").replaceAll(
      "\\S",
      "\\P{White_Space}",
    ),
    "gu",
  );

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const CL100K_START = String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|`;

/** The patterns as tiktoken has them, without possessive quantifiers, which JavaScript lacks. */
export const ORACLE_PATTERNS: Record<PatternName, RegExp> = {
  gpt2: whiteSpace(String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+$|\s+(?!\S)|\s`),
  cl100k: whiteSpace(String.raw`${CL100K_START}\s+$|\s*[\r\n]|\s+(?!\S)|\s`),
  "cl100k-original": whiteSpace(String.raw`${CL100K_START}\s*[\r\n]+|\s+(?!\S)|\s+`),
  o200k: whiteSpace([
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+${CONTRACTIONS}?`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*${CONTRACTIONS}?`,
    String.raw`\p{N}{1,3}`,
    String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    String.raw`\s*[\r\n]+`,
    String.raw`\s+(?!\S)`,
    String.raw`\s+`,
  ].join("|")),
};

/** Bytes one per character, as a string of codes 0 to 255: easy to compare, to join and to use as a key. */
export type Latin = string;

export function toLatin(bytes: Iterable<number>): Latin {
  let latin = "";
  for (const byte of bytes) latin += String.fromCharCode(byte);
  return latin;
}

const encoder = new TextEncoder();
export const latinOf = (text: string): Latin => toLatin(encoder.encode(text));

/** The characters of bytes: what is not UTF-8 becomes U+FFFD, one per byte. */
function characters(bytes: Latin): { char: string; bytes: Latin }[] {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = strict.decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
    // ASCII is its own bytes, and most of the text.
    return Array.from(text, (char) => ({ char, bytes: char <= "\x7f" ? char : latinOf(char) }));
  } catch {
    // not UTF-8 as a whole
  }
  const found: { char: string; bytes: Latin }[] = [];
  for (let at = 0; at < bytes.length;) {
    let length = 4;
    let char = "\ufffd";
    for (; length > 0; length--) {
      const slice = Uint8Array.from(bytes.slice(at, at + length), (c) => c.charCodeAt(0));
      if (slice.length < length) continue;
      try {
        const text = strict.decode(slice);
        if ([...text].length !== 1) continue;
        char = text;
        break;
      } catch {
        // not a character of this length
      }
    }
    length = Math.max(1, length);
    found.push({ char, bytes: bytes.slice(at, at + length) });
    at += length;
  }
  return found;
}

/** Pre-tokens of a text without specials. */
export function pretokenizeOracle(bytes: Latin, pattern: RegExp = ORACLE_PATTERNS.gpt2): Latin[] {
  const chars = characters(bytes);
  const starts = new Map<number, number>(); // position in the string → index of the character
  let text = "";
  chars.forEach(({ char }, i) => {
    starts.set(text.length, i);
    text += char;
  });
  starts.set(text.length, chars.length);
  return Array.from(text.matchAll(pattern), (match) => {
    const from = starts.get(match.index)!, to = starts.get(match.index + match[0].length)!;
    let word = "";
    for (let i = from; i < to; i++) word += chars[i].bytes;
    return word;
  });
}

/** Text and specials in order; the longest special wins where several start. */
export function splitSpecialsOracle(bytes: Latin, specials: readonly string[]): { text: Latin; special: boolean }[] {
  const patterns = specials.map(latinOf).sort((a, b) => b.length - a.length);
  const parts: { text: Latin; special: boolean }[] = [];
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const special = patterns.find((pattern) => bytes.startsWith(pattern, at));
    if (special === undefined) {
      text += bytes[at++];
      continue;
    }
    if (text) parts.push({ text, special: false });
    parts.push({ text: special, special: true });
    text = "";
    at += special.length;
  }
  if (text) parts.push({ text, special: false });
  return parts;
}

/** Merges learned by counting all pairs anew each time: most frequent first, then the greater pair of byte strings. */
export function trainOracle(texts: readonly Latin[], numMerges: number, specials: readonly string[]): [Latin, Latin][] {
  const counts = new Map<Latin, number>();
  for (const text of texts) {
    for (const part of splitSpecialsOracle(text, specials)) {
      if (part.special) continue;
      for (const word of pretokenizeOracle(part.text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const words = Array.from(counts, ([word, count]) => ({ symbols: [...word], count }));
  const merges: [Latin, Latin][] = [];
  while (merges.length < numMerges) {
    const pairs = new Map<string, { pair: [Latin, Latin]; count: number }>();
    for (const { symbols, count } of words) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const key = `${symbols[i].length} ${symbols[i]}${symbols[i + 1]}`;
        const entry = pairs.get(key) ?? { pair: [symbols[i], symbols[i + 1]], count: 0 };
        entry.count += count;
        pairs.set(key, entry);
      }
    }
    let best: { pair: [Latin, Latin]; count: number } | undefined;
    for (const entry of pairs.values()) {
      const [left, right] = entry.pair;
      if (
        !best || entry.count > best.count ||
        (entry.count === best.count && (left > best.pair[0] || (left === best.pair[0] && right > best.pair[1])))
      ) best = entry;
    }
    if (!best) break;
    merges.push(best.pair);
    for (const word of words) word.symbols = mergeSymbols(word.symbols, best.pair);
  }
  return merges;
}

function mergeSymbols(symbols: Latin[], [left, right]: readonly [Latin, Latin]): Latin[] {
  const merged: Latin[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) merged.push(left + symbols[++i]);
    else merged.push(symbols[i]);
  }
  return merged;
}

/** Tokens of a text: each merge applied in turn to each pre-token. */
export function encodeOracle(
  bytes: Latin,
  merges: readonly (readonly [Latin, Latin])[],
  specials: readonly string[],
  pattern: RegExp = ORACLE_PATTERNS.gpt2,
): Latin[] {
  return splitSpecialsOracle(bytes, specials).flatMap(({ text, special }) => {
    if (special) return [text];
    return pretokenizeOracle(text, pattern).flatMap((word) => {
      let symbols: Latin[] = [...word];
      for (const merge of merges) symbols = mergeSymbols(symbols, merge);
      return symbols;
    });
  });
}
