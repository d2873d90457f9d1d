// Regular expressions as trees.
import type { CharSet } from "./char_set.ts";

/** How a repetition chooses: as many as it can, as few, or as many as it can without giving any back. */
export type RepeatMode = "greedy" | "lazy" | "possessive";

/** A part of a regular expression. */
export type Node =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | {
    readonly kind: "repeat";
    readonly item: Node;
    readonly min: number;
    readonly max: number;
    readonly mode: RepeatMode;
  }
  /** What is matched stays so: none of it is given back. */
  | { readonly kind: "atomic"; readonly item: Node }
  /** What follows must match, or must not. */
  | { readonly kind: "look"; readonly item: Node; readonly negative: boolean }
  /** The end of the text. */
  | { readonly kind: "end" };

/** Whether a part can match the empty text. */
export function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "sequence":
      return node.items.every(canBeEmpty);
    case "choice":
      return node.options.some(canBeEmpty);
    case "repeat":
      return node.min === 0 || canBeEmpty(node.item);
    case "atomic":
      return canBeEmpty(node.item);
    case "look":
    case "end":
      return true;
  }
}

/** Calls `visit` for each set of a tree, those of look-aheads included. */
export function forEachSet(node: Node, visit: (set: CharSet) => void): void {
  if (node.kind === "set") visit(node.set);
  else if (node.kind === "sequence") node.items.forEach((item) => forEachSet(item, visit));
  else if (node.kind === "choice") node.options.forEach((option) => forEachSet(option, visit));
  else if (node.kind !== "end") forEachSet(node.item, visit);
}

/** The most characters that a part takes; `Infinity` if there is no limit. */
export function maxLength(node: Node): number {
  switch (node.kind) {
    case "set":
      return 1;
    case "sequence":
      return node.items.reduce((sum, item) => sum + maxLength(item), 0);
    case "choice":
      return Math.max(...node.options.map(maxLength));
    case "repeat":
      return node.max * maxLength(node.item);
    case "atomic":
      return maxLength(node.item);
    case "look":
    case "end":
      return 0;
  }
}
