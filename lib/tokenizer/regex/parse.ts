// Reads regular expressions in the dialect of Oniguruma (Ruby's), which Hugging Face's tokenizers use.
// Source: https://github.com/kkos/oniguruma/blob/master/doc/RE
//
// What is not known is refused by name: look-behind, references, anchors at the beginning, and others.
import { canBeEmpty, type Node, type RepeatMode } from "./ast.ts";
import { negate, range } from "./char_set.ts";
import { foldCase, parseClass, parseEscape } from "./parse_class.ts";
import { PatternText } from "./pattern_text.ts";

const MAX_DEPTH = 50;
/** Repetitions are written out, so that their number is limited. */
const MAX_REPEATS = 1000;
const NEWLINE = range(0x0a);

/**
 * The tree of a regular expression.
 *
 * @param name Whose pattern it is, for messages.
 * @throws {UserError} If it is malformed, has parts that are not known here, or can match the empty text.
 */
export function parseRegex(pattern: string, name: string): Node {
  const text = new PatternText(pattern, name);
  const tree = parseChoice(text, 0);
  if (!text.isAtEnd) text.refuse(") without (");
  if (canBeEmpty(tree)) text.refuse("a pattern that matches the empty text", "one that takes a character or more");
  return tree;
}

/** A text as it is, without anything that has a meaning. */
export function literal(text: string): Node {
  return { kind: "sequence", items: Array.from(text, (char) => ({ kind: "set", set: range(char.codePointAt(0)!) })) };
}

function parseChoice(text: PatternText, depth: number): Node {
  if (depth > MAX_DEPTH) text.refuse(`groups within more than ${MAX_DEPTH} others`);
  const options: Node[] = [parseSequence(text, depth)];
  while (text.take(/\|/y)) options.push(parseSequence(text, depth));
  return options.length === 1 ? options[0] : { kind: "choice", options };
}

function parseSequence(text: PatternText, depth: number): Node {
  const items: Node[] = [];
  let before = "";
  while (!text.isAtEnd && text.peek() !== "|" && text.peek() !== ")") {
    const char = text.peek();
    if (text.ignoresCase) requireOneToOne(text, before, char);
    before = char;
    items.push(parseRepeats(text, parseAtom(text, depth)));
  }
  return items.length === 1 ? items[0] : { kind: "sequence", items };
}

/** Pairs of letters that, without regard to case, are also one character, such as ß. */
const LIGATURES = /^(?:ss|ff|fi|fl|st)$/i;

function requireOneToOne(text: PatternText, before: string, char: string): void {
  if (LIGATURES.test(before + char)) text.refuse(`(?i) with ${before}${char}, which is one character too`);
}

function parseRepeats(text: PatternText, atom: Node): Node {
  let node = atom;
  for (;;) {
    const found = text.take(/([?*+])([?+]?)|\{(\d{1,5})\}|\{(\d{0,5}),(\d{0,5})\}(\??)/y);
    if (found === undefined) return node;
    const [whole, sign, mark, exact, from, to, lazy] = found;
    if (whole === "{,}") text.refuse("{,}");
    const min = sign !== undefined ? (sign === "+" ? 1 : 0) : Number(exact ?? (from || 0));
    const max = sign !== undefined
      ? (sign === "?" ? 1 : Infinity)
      : exact !== undefined
      ? min
      : to === ""
      ? Infinity
      : Number(to);
    if (max < min || max === 0) text.refuse(`${whole}, which repeats nothing`);
    if (Math.max(min, max === Infinity ? 0 : max) > MAX_REPEATS) {
      text.refuse(`${whole}, more than ${MAX_REPEATS} times`);
    }
    if (node.kind === "look" || node.kind === "end") text.refuse(`${whole} after what takes no character`);
    // A repetition of what may be empty could go on for ever.
    if (canBeEmpty(node) && max > 1) text.refuse(`${whole} after what may be empty`);
    // In this dialect, {1,3}+ is a + after {1,3}: it takes nothing for good.
    const mode: RepeatMode = mark === "+" ? "possessive" : mark === "?" || lazy === "?" ? "lazy" : "greedy";
    node = { kind: "repeat", item: node, min, max, mode };
  }
}

function parseAtom(text: PatternText, depth: number): Node {
  const char = text.next("a character");
  switch (char) {
    case "(":
      return parseGroup(text, depth);
    case "[":
      return { kind: "set", set: parseClass(text) };
    case ".":
      return { kind: "set", set: negate(NEWLINE) };
    case "$": // the end of a line
      return {
        kind: "look",
        negative: false,
        item: { kind: "choice", options: [{ kind: "set", set: NEWLINE }, { kind: "end" }] },
      };
    case "^":
      return text.refuse("^, the beginning of a line");
    case "?":
    case "*":
    case "+":
      return text.refuse(`${char} with nothing before it`);
    case "\\":
      return parseEscapedAtom(text);
    default:
      return { kind: "set", set: foldCase(text, range(char.codePointAt(0)!)) };
  }
}

function parseEscapedAtom(text: PatternText): Node {
  if (text.take(/z/y)) return { kind: "end" };
  if (text.take(/Z/y)) {
    const last: Node = { kind: "sequence", items: [{ kind: "set", set: NEWLINE }, { kind: "end" }] };
    return { kind: "look", negative: false, item: { kind: "choice", options: [last, { kind: "end" }] } };
  }
  const escaped = parseEscape(text);
  return { kind: "set", set: foldCase(text, "set" in escaped ? escaped.set : range(escaped.char)) };
}

function parseGroup(text: PatternText, depth: number): Node {
  const ignoredCase = text.ignoresCase;
  const found = text.take(/\?(?:([:>=!])|([im]*)(?:-([im]+))?([:)])|<([A-Za-z_]\w*)>)/y);
  if (found === undefined && text.peek() === "?") {
    const start = text.take(/\?(?:<[=!]|.?)/y)?.[0] ?? "?";
    text.refuse(start.startsWith("?<") ? `(${start}, a look-behind` : `(${start}`);
  }
  const [, kind, on = "", off = "", end] = found ?? [];
  // A dot that takes newlines too is written as m in this dialect.
  if (on.includes("m") || off.includes("m")) text.refuse("(?m");
  if (end === ")") text.refuse(`(?${on})`, "(?i:…), around what it means");
  if (on !== "") text.ignoresCase = true;
  if (off !== "") text.ignoresCase = false;
  const item = parseChoice(text, depth + 1);
  text.ignoresCase = ignoredCase;
  if (!text.take(/\)/y)) text.refuse("the end of the pattern", ") after a group");
  if (kind === ">") return { kind: "atomic", item };
  if (kind === "=" || kind === "!") return { kind: "look", item, negative: kind === "!" };
  return item;
}
