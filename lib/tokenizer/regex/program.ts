// From the tree of a regular expression to a list of instructions.
import { UserError } from "../../errors.ts";
import type { Alphabet } from "./alphabet.ts";
import { canBeEmpty, maxLength, type Node } from "./ast.ts";

/** What an instruction does; the numbers that follow each are in the same array. */
export const Op = {
  /** The match is complete. */
  MATCH: 0,
  /** SET set: one character of a set. */
  SET: 1,
  /** SPLIT first second: goes on at the first, and if that fails at the second. */
  SPLIT: 2,
  /** JUMP to. */
  JUMP: 3,
  /** RUN set min max mode: repeats a set. Mode 0 is greedy, 1 lazy, 2 possessive. */
  RUN: 4,
  /** LOOK to negative: what follows here, up to a MATCH, must match, or must not; goes on at `to`. */
  LOOK: 5,
  /** ATOMIC to: matches what follows here, up to a MATCH, once and for all; goes on at `to`. */
  ATOMIC: 6,
  /** END: the end of the text. */
  END: 7,
  /** PEEK set negative: the next character must be of a set, or must not be there. */
  PEEK: 8,
} as const;

/** More instructions are refused. */
const MAX_SIZE = 20_000;
/** Of a RUN without a limit. */
export const NO_LIMIT = 0x7fffffff;
/** What is matched on its own takes at most this many characters, so that doing it again takes a bounded time. */
const MAX_INNER_LENGTH = 1000;

/** A compiled regular expression. */
export interface Program {
  readonly code: Int32Array;
  /** Where each alternative at the top begins, by the class of the first character: those that may match there. */
  readonly starts: readonly Int32Array[];
}

/** @param name Whose pattern it is, for messages. */
export function compile(tree: Node, alphabet: Alphabet, name: string): Program {
  const code: number[] = [];
  const emit = (...numbers: number[]) => {
    if (code.length + numbers.length > MAX_SIZE) {
      throw new UserError(
        `Cannot split text by the pattern of ${name}: got one that takes more than ${MAX_SIZE} instructions, must be ` +
          `shorter. Repeat less of it`,
      );
    }
    return code.push(...numbers) - numbers.length;
  };
  const write = (node: Node): void => {
    switch (node.kind) {
      case "set":
        emit(Op.SET, alphabet.numberOf(node.set));
        return;
      case "sequence":
        node.items.forEach(write);
        return;
      case "choice":
        writeChoice(node.options);
        return;
      case "end":
        emit(Op.END);
        return;
      case "look":
      case "atomic": {
        if (node.kind === "look" && node.item.kind === "set") {
          emit(Op.PEEK, alphabet.numberOf(node.item.set), node.negative ? 1 : 0);
          return;
        }
        requireShort(node, name);
        const at = node.kind === "look" ? emit(Op.LOOK, 0, node.negative ? 1 : 0) : emit(Op.ATOMIC, 0);
        write(node.item);
        emit(Op.MATCH);
        code[at + 1] = code.length;
        return;
      }
      case "repeat":
        writeRepeat(node);
    }
  };
  const writeChoice = (options: readonly Node[]) => {
    const jumps: number[] = [];
    for (const [i, option] of options.entries()) {
      if (i === options.length - 1) {
        write(option);
        break;
      }
      const split = emit(Op.SPLIT, 0, 0);
      code[split + 1] = code.length;
      write(option);
      jumps.push(emit(Op.JUMP, 0));
      code[split + 2] = code.length;
    }
    for (const jump of jumps) code[jump + 1] = code.length;
  };
  const writeRepeat = (node: Node & { kind: "repeat" }): void => {
    const { item, min, max, mode } = node;
    if (item.kind === "set") {
      const modes = { greedy: 0, lazy: 1, possessive: 2 };
      emit(Op.RUN, alphabet.numberOf(item.set), min, max === Infinity ? NO_LIMIT : max, modes[mode]);
      return;
    }
    if (mode === "possessive") return write({ kind: "atomic", item: { ...node, mode: "greedy" } });
    for (let i = 0; i < min; i++) write(item);
    const branch = () => {
      const split = emit(Op.SPLIT, 0, 0);
      const inside = mode === "lazy" ? split + 2 : split + 1, outside = mode === "lazy" ? split + 1 : split + 2;
      code[inside] = code.length;
      return { split, outside };
    };
    if (max === Infinity) {
      const { split, outside } = branch();
      write(item);
      emit(Op.JUMP, split);
      code[outside] = code.length;
      return;
    }
    const open: number[] = [];
    for (let i = min; i < max; i++) {
      open.push(branch().outside);
      write(item);
    }
    for (const outside of open) code[outside] = code.length;
  };
  const options = tree.kind === "choice" ? tree.options : [tree];
  const places = options.map((option) => {
    const at = code.length;
    write(option);
    emit(Op.MATCH);
    return at;
  });
  const firsts = options.map((option) => firstClasses(option, alphabet));
  const starts = Array.from(
    { length: alphabet.size },
    (_, charClass) => Int32Array.from(places.filter((_, i) => firsts[i][charClass] === 1)),
  );
  return { code: Int32Array.from(code), starts };
}

function requireShort(node: Node & { kind: "look" | "atomic" }, name: string): void {
  if (maxLength(node.item) <= MAX_INNER_LENGTH) return;
  const what = node.kind === "look" ? "a look-ahead" : "an atomic group, or a possessive repetition of a group,";
  throw new UserError(
    `Cannot split text by the pattern of ${name}: got ${what} of any length, must take at most ${MAX_INNER_LENGTH} ` +
      `characters. Use another pattern`,
  );
}

/** The classes that the first character of a match may have. */
export function firstClasses(node: Node, alphabet: Alphabet): Uint8Array {
  const first = new Uint8Array(256);
  const add = (more: Uint8Array) => more.forEach((isIn, i) => first[i] |= isIn);
  switch (node.kind) {
    case "set":
      add(alphabet.members[alphabet.numberOf(node.set)]);
      break;
    case "choice":
      for (const option of node.options) add(firstClasses(option, alphabet));
      break;
    case "sequence":
      for (const item of node.items) {
        add(firstClasses(item, alphabet));
        if (!canBeEmpty(item)) break;
      }
      break;
    case "repeat":
    case "atomic":
      add(firstClasses(node.item, alphabet));
      break;
    case "look":
    case "end":
      break;
  }
  return first;
}
