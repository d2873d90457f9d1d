/**
 * How attention kernels find their heads: of queries, and of keys, which several heads of queries may share; and which keys
 * a query sees, if only the last ones. Where heads are not grouped, nothing of this is in a kernel's text.
 */

import type { HeadVectors } from "./attention_source.ts";

/** The arrays that have as many heads as there are of keys. */
const KEY_ARRAYS: readonly string[] = ["k", "v", "dK", "dV"];

/** Whether an array has its heads by keys, where those are shared. */
function isOfKeys(head: HeadVectors, array: string): boolean {
  return head.grouped === true && KEY_ARRAYS.includes(array);
}

/** The index of a head of `array` among all, an expression. @param row Its row, an expression. */
export function headIndex(head: HeadVectors, array: string, row: string): string {
  const [heads, own] = isOfKeys(head, array) ? ["params.keyHeads", "key_head"] : ["params.H", "h"];
  return `(${row}) * ${heads} + ${own}`;
}

/** A kernel's constants: those before the number of heads, and those after the heads' size. */
export function attentionConstants(
  head: HeadVectors,
  before: readonly string[],
  after: readonly string[] = [],
): string[] {
  return [...before, ...head.grouped ? ["H", "keyHeads", "headDim", "window"] : ["H", "headDim"], ...after];
}

/**
 * Statements that find a workgroup's sequence and head, given `group` and `blocks`. For own rows of grouped keys, the head of
 * queries is found by `forSharers`.
 */
export function headPlacement(head: HeadVectors, own: "q" | "k"): string[] {
  const heads = isOfKeys(head, own) ? "params.keyHeads" : "params.H";
  return [
    `let heads = params.B * ${heads};`,
    "if (group >= blocks * heads) {",
    "  return;",
    "}",
    `let b = group % heads / ${heads};`,
    ...isOfKeys(head, own) ? ["let key_head = group % params.keyHeads;"] : ["let h = group % params.H;"],
    ...head.grouped && own === "q" ? ["let key_head = h / (params.H / params.keyHeads);"] : [],
  ];
}

/** Statements for each head `h` of queries that shares the keys, in ascending order; for the one there is, if not grouped. */
export function forSharers(head: HeadVectors, statements: readonly string[]): string[] {
  if (!head.grouped) return [...statements];
  return [
    "let sharers = params.H / params.keyHeads;",
    "for (var h = key_head * sharers; h < (key_head + 1u) * sharers; h++) {",
    ...statements.map((line) => `  ${line}`),
    "}",
  ];
}

/** The block of keys at which a loop begins, an expression: that of the first key seen from `position`. */
export function firstBlock(head: HeadVectors, position: string, block: string): string {
  return head.grouped ? `(max(${position} + 1u, params.window) - params.window) / ${block} * ${block}` : "0u";
}

/** Where a loop over the queries that see any of some keys ends, an expression. @param lastKey The last of the keys. */
export function endQuery(head: HeadVectors, lastKey: string): string {
  return head.grouped ? `min(params.T, ${lastKey} + params.window)` : "params.T";
}

/** A condition, and that keys are not behind the window of queries: both expressions of one kind, vectors or not. */
export function inWindow(head: HeadVectors, condition: string, query: string, key: string, window: string): string {
  return head.grouped ? `(${condition}) & (${query} < ${key} + ${window})` : condition;
}

/** A condition under which scores must be masked, or that any key is behind a window. */
export function orBehindWindow(head: HeadVectors, condition: string, lastQuery: string, firstKey: string): string {
  return head.grouped ? `${condition} || ${firstKey} + params.window <= ${lastQuery}` : condition;
}
