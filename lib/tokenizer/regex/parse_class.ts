// Classes of characters in regular expressions: `[…]`, and escapes such as `\s` and `\p{L}`.
import { type CharSet, contains, intersect, negate, range, union } from "./char_set.ts";
import { decimalDigits, propertySet, whiteSpace, wordCharacters } from "./properties.ts";
import type { PatternText } from "./pattern_text.ts";

/** What an escape stands for: a class, or one character. */
export type Escaped = { readonly set: CharSet } | { readonly char: number };

const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, e: 27 };

/** Reads an escape whose backslash has been read. */
export function parseEscape(text: PatternText): Escaped {
  const char = text.next("a character after \\");
  const classes: Readonly<Record<string, () => CharSet>> = {
    s: whiteSpace,
    d: decimalDigits,
    w: wordCharacters,
    h: () => [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
  };
  const lower = char.toLowerCase();
  if (Object.hasOwn(classes, lower)) {
    const set = classes[lower]();
    return { set: char === lower ? set : negate(set) };
  }
  if (lower === "p") return { set: parseProperty(text, char === "P") };
  if (Object.hasOwn(CONTROLS, char)) return { char: CONTROLS[char] };
  if (char === "x" || char === "u") return { char: parseHex(text, char) };
  if (/^[A-Za-z0-9]$/.test(char)) return text.refuse(`\\${char}`);
  return { char: char.codePointAt(0)! };
}

function parseProperty(text: PatternText, negated: boolean): CharSet {
  const name = text.take(/\{(\^?)([A-Za-z_ -]+)\}/y) ?? text.refuse(`\\p without a name in braces`);
  const set = propertySet(name[2]) ?? text.refuse(`the property ${name[2]}`);
  return negated !== (name[1] === "^") ? negate(set) : set;
}

function parseHex(text: PatternText, kind: string): number {
  const digits = kind === "x" ? /\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2})/y : /([0-9A-Fa-f]{4})/y;
  const found = text.take(digits) ?? text.refuse(`\\${kind} without digits`);
  const char = parseInt(found[1] ?? found[2], 16);
  // A byte of a string in some encoding, or half a pair.
  if (kind === "x" && found[1] === undefined && char >= 0x80) return text.refuse(`\\x${found[2]}, a byte`);
  return char > 0x10ffff || (char >= 0xd800 && char < 0xe000) ? text.refuse(`\\${kind}${found[0]}`) : char;
}

const POSIX = ["alnum", "alpha", "digit", "lower", "space", "upper", "word", "xdigit", "ascii", "cntrl", "punct"];

/** Reads the class whose opening bracket has been read. */
export function parseClass(text: PatternText, depth = 0): CharSet {
  if (depth > 8) text.refuse("classes within more than 8 others");
  const negated = text.take(/\^/y) !== undefined;
  let parts: CharSet[] = [];
  const joined: CharSet[] = [];
  if (text.peek() === "]") text.refuse("an empty class");
  for (;;) {
    if (text.take(/\]/y)) break;
    if (text.take(/&&/y)) {
      joined.push(union(...parts));
      parts = [];
      continue;
    }
    const posix = text.take(/\[:(\^?)([a-z]+):\]/y);
    if (posix !== undefined) {
      parts.push(posixSet(text, posix[2], posix[1] === "^"));
      continue;
    }
    if (text.take(/\[/y)) {
      parts.push(parseClass(text, depth + 1));
      continue;
    }
    parts.push(parseMember(text));
  }
  joined.push(union(...parts));
  const set = foldCase(text, joined.length === 1 ? joined[0] : intersect(...joined));
  return negated ? negate(set) : set;
}

function posixSet(text: PatternText, name: string, negated: boolean): CharSet {
  const made: Readonly<Record<string, () => CharSet>> = {
    alnum: () => union(propertySet("L")!, propertySet("M")!, propertySet("Nd")!),
    alpha: () => union(propertySet("L")!, propertySet("M")!),
    lower: () => propertySet("Ll")!,
    upper: () => propertySet("Lu")!,
    xdigit: () => [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
    cntrl: () => propertySet("Cc")!,
    punct: () => union(propertySet("P")!, propertySet("S")!),
  };
  // What these hold beside ASCII differs from one version of Oniguruma to another.
  if (["alnum", "alpha", "lower", "upper", "punct"].includes(name)) text.refuse(`[:${name}:]`);
  if (!POSIX.includes(name)) text.refuse(`[:${name}:]`);
  const set = Object.hasOwn(made, name) ? made[name]() : propertySet(name)!;
  return negated ? negate(set) : set;
}

/** A character, a range, or an escape in a class. */
function parseMember(text: PatternText): CharSet {
  const first = parseMemberChar(text);
  if (typeof first !== "number") return first;
  // A hyphen at the end is one.
  if (!text.take(/-(?!\])/y)) return range(first);
  const last = parseMemberChar(text);
  if (typeof last !== "number" || last < first) return text.refuse("a range that does not end at a later character");
  return range(first, last);
}

function parseMemberChar(text: PatternText): number | CharSet {
  const char = text.next("] after a class");
  if (char !== "\\") return char.codePointAt(0)!;
  if (text.take(/b/y)) return 8;
  const escaped = parseEscape(text);
  return "set" in escaped ? escaped.set : escaped.char;
}

/** ASCII letters whose case folding has a third member. */
const THIRD: Readonly<Record<string, number>> = { k: 0x212a, s: 0x17f };

/** A set without regard to case, where that is asked for. */
export function foldCase(text: PatternText, set: CharSet): CharSet {
  if (!text.ignoresCase || set === whiteSpace() || set === decimalDigits()) return set;
  if (set.length > 0 && set[set.length - 1] > 0x7f) return text.refuse("(?i) for characters that are not ASCII");
  const more: CharSet[] = [set];
  for (let i = 0; i < 26; i++) {
    const upper = 0x41 + i, lower = 0x61 + i;
    if (!contains(set, upper) && !contains(set, lower)) continue;
    more.push(range(upper), range(lower));
    const third = THIRD[String.fromCharCode(lower)];
    if (third !== undefined) more.push(range(third));
  }
  return union(...more);
}
