// Unicode properties as sets of characters.
//
// Letters, numbers, marks and white space are those of the committed table (Unicode 16), as in the kernel's scanners.
// Everything else comes from the JavaScript engine.
import { CharClass } from "../pretokenize/char_class.ts";
import { CHAR_CLASSES } from "../pretokenize/char_class_table.ts";
import { type CharSet, intersect, range, union, without } from "./char_set.ts";

/** Sets by name; `undefined` for a property that neither the table nor the engine knows. */
const SETS = new Map<string, CharSet | undefined>();

/**
 * The characters of a property, by the names of Oniguruma: general categories, scripts and POSIX classes. Case, blanks,
 * hyphens and underscores in a name do not matter.
 */
export function propertySet(name: string): CharSet | undefined {
  const plain = name.replaceAll(/[\s_-]/g, "").toLowerCase();
  if (!SETS.has(plain)) SETS.set(plain, makeSet(plain));
  return SETS.get(plain);
}

/** White space, `\s`. */
export const whiteSpace = (): CharSet => tableSet(CharClass.SPACE);
/** Decimal digits, `\d`. */
export const decimalDigits = (): CharSet => propertySet("nd")!;
/** Characters of words, `\w`: what is alphabetic, marks, decimal digits, and punctuation that connects. */
export const wordCharacters = (): CharSet => propertySet("word")!;

const LETTERS = [CharClass.UPPER, CharClass.LOWER, CharClass.CASELESS];

/** Names whose characters the table tells, alone or with the engine. */
const OWN: Readonly<Record<string, () => CharSet>> = {
  l: () => tableSet(...LETTERS),
  ll: () => tableSet(CharClass.LOWER),
  lt: () => intersect(tableSet(CharClass.UPPER), engineSet("Lt")!),
  lu: () => without(tableSet(CharClass.UPPER), engineSet("Lt")!),
  lm: () => intersect(tableSet(CharClass.CASELESS), engineSet("Lm")!),
  lo: () => without(tableSet(CharClass.CASELESS), engineSet("Lm")!),
  n: () => tableSet(CharClass.NUMBER),
  nd: () => intersect(tableSet(CharClass.NUMBER), engineSet("Nd")!),
  nl: () => intersect(tableSet(CharClass.NUMBER), engineSet("Nl")!),
  no: () => intersect(tableSet(CharClass.NUMBER), engineSet("No")!),
  m: () => tableSet(CharClass.MARK),
  mc: () => intersect(tableSet(CharClass.MARK), engineSet("Mc")!),
  me: () => intersect(tableSet(CharClass.MARK), engineSet("Me")!),
  mn: () => without(tableSet(CharClass.MARK), union(engineSet("Mc")!, engineSet("Me")!)),
  any: () => range(0, 0x10ffff),
  ascii: () => range(0, 0x7f),
  whitespace: () => whiteSpace(),
  space: () => whiteSpace(),
  digit: () => propertySet("nd")!,
  word: () => union(engineSet("Alphabetic"), ...["l", "m", "nd", "pc"].map((part) => propertySet(part)!), WORD_TOO),
};

/** Superscripts and fractions of Latin-1, which Oniguruma takes for characters of words. */
const WORD_TOO: CharSet = [0xb2, 0xb3, 0xb9, 0xb9, 0xbc, 0xbe];

/** The long names of general categories, as people write them. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  letter: "l",
  uppercaseletter: "lu",
  lowercaseletter: "ll",
  titlecaseletter: "lt",
  modifierletter: "lm",
  otherletter: "lo",
  mark: "m",
  nonspacingmark: "mn",
  spacingmark: "mc",
  enclosingmark: "me",
  number: "n",
  decimalnumber: "nd",
  letternumber: "nl",
  othernumber: "no",
  punctuation: "p",
  symbol: "s",
  separator: "z",
  other: "c",
};

/** General categories that the engine knows by these names, and scripts that tokenizers name. */
const ENGINE_NAMES: readonly string[] = [
  ..."P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co".split(" "),
  ...("Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi Gujarati Oriya Tamil " +
    "Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Hangul Ethiopic Cherokee Khmer Mongolian " +
    "Hiragana Katakana Bopomofo Han Yi").split(" ").map((script) => `Script=${script}`),
];

function makeSet(plain: string): CharSet | undefined {
  const short = Object.hasOwn(LONG_NAMES, plain) ? LONG_NAMES[plain] : plain;
  if (Object.hasOwn(OWN, short)) return OWN[short]();
  const name = ENGINE_NAMES.find((known) => known.replace("Script=", "").toLowerCase() === short);
  return name === undefined ? undefined : engineSet(name);
}

/** The characters of some classes of the table. */
function tableSet(...classes: readonly number[]): CharSet {
  const key = `table ${classes.join()}`;
  const known = SETS.get(key);
  if (known !== undefined) return known;
  const isIn = new Uint8Array(8);
  for (const charClass of classes) isIn[charClass] = 1;
  const set: number[] = [];
  for (let start = 0; start < CHAR_CLASSES.length;) {
    let end = start + 1;
    while (end < CHAR_CLASSES.length && isIn[CHAR_CLASSES[end]] === isIn[CHAR_CLASSES[start]]) end++;
    if (isIn[CHAR_CLASSES[start]] === 1) set.push(start, end - 1);
    start = end;
  }
  SETS.set(key, set);
  return set;
}

let everyChar: string | undefined;

/** The characters of a property of the engine, by looking at every character once. */
function engineSet(property: string): CharSet {
  everyChar ??= allCharacters();
  const set: number[] = [];
  for (const { 0: run, index } of everyChar.matchAll(new RegExp(`\\p{${property}}+`, "gu"))) {
    // Code points above U+FFFF are two units long; the surrogates are left out of the text.
    const from = codePointOf(index), to = codePointOf(index + run.length - 1);
    if (set.length > 0 && set[set.length - 1] === from - 1) set[set.length - 1] = to;
    else set.push(from, to);
  }
  return set;
}

const BEFORE_SURROGATES = 0xd800;
const BELOW_10000 = 0x10000 - 0x800;

function allCharacters(): string {
  const parts: string[] = [];
  for (let start = 0; start < 0x110000; start += 0x800) {
    if (start === BEFORE_SURROGATES) continue;
    parts.push(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => start + i)));
  }
  return parts.join("");
}

/** The code point of the character at a place in that text. */
function codePointOf(index: number): number {
  if (index < BEFORE_SURROGATES) return index;
  return index < BELOW_10000 ? index + 0x800 : 0x10000 + ((index - BELOW_10000) >> 1);
}
