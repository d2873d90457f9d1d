// Finds out whether steps split text as one of the kernel's scanners does, however they are written.
import { canBeEmpty, type Node } from "../regex/ast.ts";
import { type CharSet, intersect } from "../regex/char_set.ts";
import { parseRegex } from "../regex/parse.ts";
import { PATTERN_NAMES, PATTERN_REGEX, type PatternName } from "./patterns.ts";
import type { SplitStep } from "./split_steps.ts";

/** Other spellings of the patterns, as libraries have them. */
const SPELLINGS: Readonly<Record<PatternName, readonly string[]>> = {
  gpt2: [
    String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
    // tiktoken's
    String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s`,
  ],
  // tiktoken's own has \p{N}{1,3}+, which in this dialect takes more than three.
  cl100k: [
    String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|` +
    String.raw`\s*[\r\n]|\s+(?!\S)|\s`,
  ],
  "cl100k-original": [
    String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]+|` +
    String.raw`\s+(?!\S)|\s+`,
  ],
  o200k: [],
};

/** Patterns by what they match, as text. */
let known: Map<string, PatternName> | undefined;

/** Steps without those that split nothing; or the name of the scanner that splits like them. */
export function simplifySteps(steps: readonly SplitStep[], name: string): PatternName | readonly SplitStep[] {
  const splitting = steps.filter((step, i) =>
    step.type !== "ByteLevel" || step.use_regex || step.add_prefix_space ||
    // What comes after it sees other characters.
    i < steps.length - 1
  );
  if (splitting.length !== 1) return splitting;
  const [step] = splitting;
  if (step.type === "ByteLevel") return step.add_prefix_space || !step.use_regex ? splitting : "gpt2";
  if (step.type !== "Split" || !("Regex" in step.pattern)) return splitting;
  // There is nothing between matches of a known pattern, so that these are the same.
  const isEvery = step.behavior === "Removed" ? step.invert : step.behavior !== "Contiguous";
  if (!isEvery) return splitting;
  known ??= new Map(
    PATTERN_NAMES.flatMap((pattern) =>
      [PATTERN_REGEX[pattern], ...SPELLINGS[pattern]].map((regex) => [keyOf(regex, pattern), pattern] as const)
    ),
  );
  return known.get(keyOf(step.pattern.Regex, name)) ?? splitting;
}

/** A text that is the same for patterns that differ in spelling alone. */
function keyOf(regex: string, name: string): string {
  return JSON.stringify(plain(parseRegex(regex, name), undefined), (_, value) => value === Infinity ? "inf" : value);
}

/**
 * The tree without possessive repetitions where they make no difference: nothing would be given back, because what
 * follows cannot begin with what is repeated, or because nothing follows.
 */
function plain(node: Node, next: Node | undefined): Node {
  switch (node.kind) {
    case "repeat": {
      const item = plain(node.item, undefined);
      const isSet = item.kind === "set";
      const keeps = node.mode === "possessive" && isSet && !keepsMeaning(item.set, next) ? "possessive" : undefined;
      return { ...node, item, mode: node.mode === "possessive" && isSet ? keeps ?? "greedy" : node.mode };
    }
    case "sequence": {
      const items: Node[] = [];
      for (let i = node.items.length - 1; i >= 0; i--) items.unshift(plain(node.items[i], node.items[i + 1] ?? next));
      return { kind: "sequence", items };
    }
    case "choice":
      return { kind: "choice", options: node.options.map((option) => plain(option, next)) };
    case "atomic":
    case "look":
      return { ...node, item: plain(node.item, undefined) };
    default:
      return node;
  }
}

function keepsMeaning(set: CharSet, next: Node | undefined): boolean {
  if (next === undefined) return true;
  // The end of a line, after the last of its blanks.
  if (next.kind === "look" || next.kind === "end" || canBeEmpty(next)) {
    return next.kind === "repeat" && isApart(set, next);
  }
  return isApart(set, next);
}

function isApart(set: CharSet, next: Node): boolean {
  const first = next.kind === "repeat" ? next.item : next;
  return first.kind === "set" && intersect(set, first.set).length === 0;
}
