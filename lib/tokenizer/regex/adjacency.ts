// What a regular expression can say about two neighbouring characters without a text.
import type { Alphabet } from "./alphabet.ts";
import type { Node } from "./ast.ts";

/** Facts about the matches of a pattern, by class of characters. */
export interface Adjacency {
  /** `a * 256 + b` is 1 if some match, or a look-ahead, has a character of class a before one of class b. */
  readonly joined: Uint8Array;
  /** Whether a character of a class is always part of a match: because it is a match by itself. */
  readonly alwaysMatched: Uint8Array;
}

interface Part {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly canBeEmpty: boolean;
}

/** Finds the facts for a pattern. */
export function adjacencyOf(tree: Node, alphabet: Alphabet): Adjacency {
  const joined = new Uint8Array(256 * 256);
  const join = (last: Uint8Array, first: Uint8Array) => {
    for (let a = 0; a < alphabet.size; a++) {
      if (last[a] === 1) { for (let b = 0; b < alphabet.size; b++) joined[a * 256 + b] |= first[b]; }
    }
  };
  const visit = (node: Node): Part => {
    switch (node.kind) {
      case "set": {
        const members = alphabet.members[alphabet.numberOf(node.set)];
        return { first: members, last: members, canBeEmpty: false };
      }
      case "choice": {
        const options = node.options.map(visit);
        return {
          first: either(options.map(({ first }) => first)),
          last: either(options.map(({ last }) => last)),
          canBeEmpty: options.some((option) => option.canBeEmpty),
        };
      }
      case "repeat": {
        const item = visit(node.item);
        if (node.max > 1) join(item.last, item.first);
        return { ...item, canBeEmpty: item.canBeEmpty || node.min === 0 };
      }
      case "atomic":
        return visit(node.item);
      case "look":
        // Looks at these characters, which also follow what comes before.
        return { first: visit(node.item).first, last: NONE, canBeEmpty: true };
      case "end":
        // Looks whether there is any character.
        return { first: ALL, last: NONE, canBeEmpty: true };
      case "sequence":
        return node.items.map(visit).reduce((before, item) => {
          join(before.last, item.first);
          return {
            first: before.canBeEmpty ? either([before.first, item.first]) : before.first,
            last: item.canBeEmpty ? either([before.last, item.last]) : item.last,
            canBeEmpty: before.canBeEmpty && item.canBeEmpty,
          };
        }, { first: NONE, last: NONE, canBeEmpty: true });
    }
  };
  visit(tree);
  return { joined, alwaysMatched: aloneMatched(tree, alphabet) };
}

const NONE = new Uint8Array(256);
const ALL = new Uint8Array(256).fill(1);

function either(sets: readonly Uint8Array[]): Uint8Array {
  return NONE.map((_, i) => sets.some((set) => set[i] === 1) ? 1 : 0);
}

/** Classes of which one character is a match, whatever follows it. */
function aloneMatched(node: Node, alphabet: Alphabet): Uint8Array {
  switch (node.kind) {
    case "set":
      return alphabet.members[alphabet.numberOf(node.set)];
    case "choice":
      return either(node.options.map((option) => aloneMatched(option, alphabet)));
    case "repeat":
      return node.min <= 1 ? aloneMatched(node.item, alphabet) : NONE;
    case "atomic":
      return aloneMatched(node.item, alphabet);
    case "sequence":
      return either(node.items.map((item, i) => {
        const others = node.items.filter((_, j) => j !== i);
        if (!others.every((other) => other.kind === "repeat" && other.min === 0)) return NONE;
        // A possessive repetition keeps what it takes.
        const kept = others.map((other) =>
          other.kind === "repeat" && other.mode === "possessive" ? everyClass(other, alphabet) : NONE
        );
        return aloneMatched(item, alphabet).map((isIn, c) => isIn === 1 && !kept.some((set) => set[c] === 1) ? 1 : 0);
      }));
    case "look":
    case "end":
      return NONE;
  }
}

/** All classes of the characters in a part. */
function everyClass(node: Node, alphabet: Alphabet): Uint8Array {
  switch (node.kind) {
    case "set":
      return alphabet.members[alphabet.numberOf(node.set)];
    case "choice":
      return either(node.options.map((option) => everyClass(option, alphabet)));
    case "sequence":
      return either(node.items.map((item) => everyClass(item, alphabet)));
    case "repeat":
    case "atomic":
    case "look":
      return everyClass(node.item, alphabet);
    case "end":
      return NONE;
  }
}
