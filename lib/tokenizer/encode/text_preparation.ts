// What happens to a text before its words are looked up: it is normalized, tokens are found in it, and it is split.
import type { Kernel } from "../kernel.ts";
import { Normalizer } from "../normalize/normalizer.ts";
import { codePointAt, codePointBefore } from "../pretokenize/char_text.ts";
import { LongStretchError, MAX_STRETCH_BYTES } from "../pretokenize/long_stretch.ts";
import type { Pattern } from "../pretokenize/named_patterns.ts";
import { PATTERN_REGEX, type PatternName } from "../pretokenize/patterns.ts";
import { PreTokenizer, type SplitText } from "../pretokenize/pre_tokenizer.ts";
import { type CutRule, lastSafeCut } from "../pretokenize/safe_cut.ts";
import { type EncodeOptions, SpecialTokens } from "../pretokenize/special_tokens.ts";
import type { Beginning, SplitStep } from "../pretokenize/split_steps.ts";
import { INVALID } from "../regex/char_set.ts";
import { needsTwoSearches } from "../vocabulary/added_tokens_json.ts";
import type { Vocabulary } from "../vocabulary/vocabulary.ts";

/** The parts of a vocabulary that concern the text. */
export type TextRules =
  & Pick<Vocabulary, "pattern">
  & Partial<Pick<Vocabulary, "normalizer" | "missingBytes" | "unknown" | "specials">>;

/** Text goes on in pieces of about this size. */
const PIECE_BYTES = 1 << 18;

/** How a special token is passed on. */
export type OnSpecial = (id: number) => void;

/** Changes and splits text by the rules of one vocabulary. */
export class TextPreparation implements CutRule {
  readonly #normalizer: Normalizer | undefined;
  readonly #preTokenizer: PreTokenizer;
  readonly #isMissing: Uint8Array | undefined;
  /** Whether a scanner of the kernel splits the text. */
  readonly #isScanned: boolean;
  /** Whether missing bytes are left out; otherwise the first of several is kept. */
  readonly #dropsMissing: boolean;

  constructor({ pattern, normalizer, missingBytes: missing = [], unknown }: TextRules) {
    this.#normalizer = normalizer === undefined || normalizer.length === 0 ? undefined : new Normalizer(normalizer);
    this.#preTokenizer = preTokenizerOf(pattern);
    this.#isScanned = typeof pattern === "string" && missing.length === 0;
    if (missing.length > 0) {
      this.#isMissing = new Uint8Array(256);
      for (const byte of missing) this.#isMissing[byte] = 1;
    }
    this.#dropsMissing = unknown === undefined;
    // Those that stay apart become a token each, which the kernel knows.
    if (unknown?.isFused === false) this.#isMissing = undefined;
  }

  get changesBeginnings(): boolean {
    return this.#normalizer?.changesBeginnings === true || this.#preTokenizer.addsSpaceFirst;
  }

  characterOf(char: number): number {
    return this.#normalizer?.characterOf(char) ?? char;
  }

  /** A token's text as it is found in normalized text. */
  normalizeText(text: string): string {
    if (this.#normalizer === undefined) return text;
    const bytes = new TextEncoder().encode(text);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      this.#normalizer.normalize(bytes, 0, bytes.length, true),
    );
  }

  mayCut(bytes: Uint8Array, start: number, p: number, end: number): boolean {
    if ((bytes[p] & 0xc0) === 0x80) return false;
    const after = codePointAt(bytes, p, end);
    if (after === INVALID) return false; // or not complete yet
    const before = codePointBefore(bytes, start, p);
    if (before === INVALID) return false;
    return this.#normalizer?.mayCutBetween(before, after) !== false &&
      this.#preTokenizer.mayCutBetween(this.characterOf(before), this.characterOf(after));
  }

  /**
   * Prepares `text[start..end)` in pieces, in the kernel's input, and calls `run` with the length of each. Tokens that are
   * found in normalized text are passed to `onSpecial`.
   *
   * @param beginning What begins there.
   * @param specials Those that were looked for; those that are found later are looked for here.
   * @throws {LongStretchError} If there is too much of it without a safe cut.
   */
  forEachPiece(
    kernel: Kernel,
    text: Uint8Array,
    start: number,
    end: number,
    beginning: Beginning,
    specials: SpecialTokens,
    run: (length: number) => void,
    onSpecial: OnSpecial,
  ): void {
    for (let room = PIECE_BYTES; start < end;) {
      let to = Math.min(end, start + room);
      if (to < end) {
        const cut = lastSafeCut(text, start, to, specials);
        if (cut < 0) {
          if (room === MAX_STRETCH_BYTES) throw new LongStretchError(start);
          room = Math.min(room * 2, MAX_STRETCH_BYTES);
          continue;
        }
        to = cut;
      }
      this.#prepare(kernel, text, start, to, beginning, specials, run, onSpecial);
      beginning = "none";
      start = to;
    }
  }

  #prepare(
    kernel: Kernel,
    text: Uint8Array,
    start: number,
    end: number,
    beginning: Beginning,
    specials: SpecialTokens,
    run: (length: number) => void,
    onSpecial: OnSpecial,
  ): void {
    const bytes = this.#normalizer?.normalize(text, start, end, beginning !== "none") ?? text.subarray(start, end);
    for (let at = 0; at < bytes.length;) {
      const match = specials.later?.find(bytes, at, bytes.length);
      const wordsEnd = match?.start ?? bytes.length;
      if (wordsEnd > at) {
        const length = this.#isScanned
          ? kernel.write(bytes.subarray(at, wordsEnd))
          : this.#writeWords(kernel, this.#preTokenizer.split(bytes, at, wordsEnd, beginning));
        if (length > 0) run(length);
      }
      if (match !== undefined) onSpecial(match.id);
      beginning = match === undefined ? "none" : "part";
      at = match?.end ?? bytes.length;
    }
  }

  /** Puts words into the kernel's input; returns their length. */
  #writeWords(kernel: Kernel, split: SplitText): number {
    const { bytes, starts } = this.#isMissing === undefined
      ? split
      : withoutBytes(split, this.#isMissing, this.#dropsMissing);
    kernel.writeWords(bytes, starts);
    return bytes.length;
  }
}

/** Leaves bytes out of words: all that are missing, or those that follow another such. */
function withoutBytes({ bytes, starts }: SplitText, isMissing: Uint8Array, dropsAll: boolean): SplitText {
  if (!bytes.some((byte) => isMissing[byte] === 1)) return { bytes, starts };
  const kept = new Uint8Array(bytes.length), keptStarts = new Uint32Array(starts.length);
  let length = 0, count = 0;
  for (let word = 0; word < starts.length; word++) {
    const end = word + 1 < starts.length ? starts[word + 1] : bytes.length;
    const from = length;
    for (let i = starts[word]; i < end; i++) {
      const isFirst = i === starts[word] || isMissing[bytes[i - 1]] === 0;
      if (isMissing[bytes[i]] === 0 || (!dropsAll && isFirst)) kept[length++] = bytes[i];
    }
    if (length > from) keptStarts[count++] = from;
  }
  return { bytes: kept.subarray(0, length), starts: keptStarts.subarray(0, count) };
}

/** Pre-tokenizers by their steps: making one takes longer than splitting a text. */
const PRE_TOKENIZERS = new WeakMap<readonly SplitStep[], PreTokenizer>();
const SCANNED = new Map<PatternName, readonly SplitStep[]>();

function preTokenizerOf(pattern: Pattern): PreTokenizer {
  const steps = typeof pattern === "string" ? stepsOfScanner(pattern) : pattern;
  const made = PRE_TOKENIZERS.get(steps) ?? new PreTokenizer(steps, "the tokenizer");
  PRE_TOKENIZERS.set(steps, made);
  return made;
}

/** The steps that split like one of the kernel's scanners. */
function stepsOfScanner(name: PatternName): readonly SplitStep[] {
  const known = SCANNED.get(name);
  if (known !== undefined) return known;
  const steps: readonly SplitStep[] = [
    { type: "Split", pattern: { Regex: PATTERN_REGEX[name] }, behavior: "Isolated", invert: false },
  ];
  SCANNED.set(name, steps);
  return steps;
}

const PREPARATIONS = new WeakMap<TextRules, TextPreparation | undefined>();

/** What happens to a text before the kernel's scanners split it; `undefined` if they split it as it is. */
export function preparationOf(rules: TextRules): TextPreparation | undefined {
  if (PREPARATIONS.has(rules)) return PREPARATIONS.get(rules);
  const isPlain = typeof rules.pattern === "string" && (rules.missingBytes?.length ?? 0) === 0 && !searchesTwice(rules);
  const preparation = isPlain ? undefined : new TextPreparation(rules);
  PREPARATIONS.set(rules, preparation);
  return preparation;
}

/** Whether tokens with `normalized` have to be looked for after the others. */
export function searchesTwice({ normalizer = [], specials = [] }: TextRules): boolean {
  return normalizer.length > 0 || needsTwoSearches(specials);
}

/** Texts that divide a text, for counting the words between them. */
export function dividingTokens(texts: readonly string[], rules: TextRules): SpecialTokens {
  return new SpecialTokens(texts.map((text, id) => ({ text, id })), preparationOf(rules));
}

/** What to look for in a text, of a vocabulary's special tokens. */
export function specialsFor(
  vocabulary: TextRules & Pick<Vocabulary, "specials">,
  options: EncodeOptions,
): SpecialTokens {
  const { specials, documentSeparator } = options;
  const all = specials === "text" ? [] : vocabulary.specials.filter(({ text }) => text !== documentSeparator?.text);
  const cuts = preparationOf(vocabulary);
  const twice = cuts !== undefined && searchesTwice(vocabulary);
  const first = all.filter(({ normalized }) => !twice || normalized !== true);
  if (documentSeparator !== undefined) first.push(documentSeparator);
  const later = new Map(
    all.filter((token) => !first.includes(token)).map((token) => {
      const text = cuts!.normalizeText(token.text);
      return [text, { ...token, text }];
    }),
  );
  later.delete("");
  return new SpecialTokens(first, cuts, [...later.values()]);
}
