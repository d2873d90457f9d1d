// Runs compiled regular expressions over classes of characters, by backtracking.
//
// Time is linear in the text: what has failed at a place once is not tried there again, by this match or a later one.
// - A repeated class that failed as a whole, with every number of characters, would fail from each of its places.
// - Otherwise, a match that takes unusually many steps begins to note each instruction and place that it comes to. It
//   need not come there twice, because what follows does not depend on how it came there. Notes behind the end of a
//   match stay true for later matches: these too can only come there to fail.
// - Look-aheads and atomic groups, which are matched on their own, have a greatest length (see program.ts).
import { NO_LIMIT, Op, type Program } from "./program.ts";
import type { Alphabet } from "./alphabet.ts";

/** Steps that a match may take before it notes where it has been. */
const FREE_STEPS = 2000;

/** Matches one pattern in one text after the other. */
export class Matcher {
  readonly #code: Int32Array;
  readonly #starts: readonly Int32Array[];
  readonly #members: readonly Uint8Array[];
  #classes: Uint8Array = new Uint8Array();
  #end = 0;
  /** Frames of the stack: where to go on, and the place; of a RUN, also the least place. */
  #stack = new Int32Array(3 * 256);
  #steps = 0;
  /** By instruction: the last stretch from whose places a RUN that begins there fails. */
  readonly #failedFrom: Int32Array;
  readonly #failedTo: Int32Array;
  #hasFailedRuns = false;
  /** By place: the instructions that were come to there. */
  #noted: Map<number, Set<number>> | undefined;
  /** Notes of places below this are gone. */
  #notedFrom = 0;

  constructor({ code, starts }: Program, { members }: Alphabet) {
    this.#code = code;
    this.#starts = starts;
    this.#members = members;
    this.#failedFrom = new Int32Array(code.length).fill(-1);
    this.#failedTo = new Int32Array(code.length).fill(-1);
  }

  /** Begins with another text: the classes of its characters up to `end`, which are not to be changed meanwhile. */
  begin(classes: Uint8Array, end: number): void {
    this.#classes = classes;
    this.#end = end;
    this.#noted = undefined;
    this.#notedFrom = 0;
    if (!this.#hasFailedRuns) return;
    this.#failedFrom.fill(-1);
    this.#failedTo.fill(-1);
    this.#hasFailedRuns = false;
  }

  /** The end of the match that starts at `at`; -1 if there is none. To be called for later and later places. */
  matchAt(at: number): number {
    const starts = this.#starts[this.#classes[at]];
    this.#steps = 0;
    for (let i = 0; i < starts.length; i++) {
      const end = this.#run(starts[i], at, 0);
      if (end >= 0) {
        if (this.#noted !== undefined) this.#forgetUpTo(end);
        return end;
      }
    }
    return -1;
  }

  /** Notes of places up to the end of a match may be on its way; nobody comes to those before it again. */
  #forgetUpTo(place: number): void {
    for (; this.#notedFrom <= place; this.#notedFrom++) this.#noted!.delete(this.#notedFrom);
    this.#notedFrom = place;
  }

  /** Whether to give up here, because it has been tried. */
  #isTried(pc: number, at: number): boolean {
    if (this.#noted === undefined) {
      if (++this.#steps <= FREE_STEPS) return false;
      this.#noted = new Map();
    }
    const there = this.#noted.get(at);
    if (there === undefined) this.#noted.set(at, new Set([pc]));
    else if (there.has(pc)) return true;
    else there.add(pc);
    return false;
  }

  /** Matches a look-ahead or an atomic group, whose notes are its own: that it came somewhere may mean that it matched. */
  #runInner(pc: number, at: number, top: number): number {
    const noted = this.#noted;
    this.#noted = undefined;
    const to = this.#run(pc, at, top);
    this.#noted = noted;
    return to;
  }

  /** Runs from an instruction up to a MATCH, on the stack above `bottom`. */
  #run(pc: number, at: number, bottom: number): number {
    const code = this.#code, classes = this.#classes, end = this.#end, members = this.#members;
    let top = bottom;
    for (;;) {
      let failed = false;
      switch (code[pc]) {
        case Op.MATCH:
          return at;
        case Op.SET:
          if (at < end && members[code[pc + 1]][classes[at]] === 1) {
            at++;
            pc += 2;
          } else failed = true;
          break;
        case Op.JUMP:
          pc = code[pc + 1];
          break;
        case Op.SPLIT:
          if (this.#isTried(pc, at)) {
            failed = true;
            break;
          }
          top = this.#push(top, code[pc + 2], at, -1);
          pc = code[pc + 1];
          break;
        case Op.END:
          if (at === end) pc++;
          else failed = true;
          break;
        case Op.PEEK:
          if ((at < end && members[code[pc + 1]][classes[at]] === 1) === (code[pc + 2] === 0)) pc += 3;
          else failed = true;
          break;
        case Op.RUN: {
          const isIn = members[code[pc + 1]];
          const min = code[pc + 2], mode = code[pc + 4];
          if (at >= this.#failedFrom[pc] && at <= this.#failedTo[pc]) {
            failed = true;
            break;
          }
          // From the next place it fails, with every number of characters: here, only the least is left to try.
          const isNextFailed = at + 1 >= this.#failedFrom[pc] && at + 1 <= this.#failedTo[pc];
          const limit = Math.min(end, at + (mode === 1 || isNextFailed ? min : code[pc + 3]));
          let to = at;
          while (to < limit && isIn[classes[to]] === 1) to++;
          if (to - at < min) {
            failed = true;
            break;
          }
          if (mode === 1) {
            if (code[pc + 3] > min) top = this.#pushLazy(top, pc, to, at + code[pc + 3]);
          } else if (mode === 0 && (to > at + min || isNextFailed)) top = this.#push(top, pc, to, at + min);
          at = to;
          pc += 5;
          break;
        }
        case Op.LOOK: {
          const matches = this.#runInner(pc + 3, at, top) >= 0;
          if (matches === (code[pc + 2] === 0)) pc = code[pc + 1];
          else failed = true;
          break;
        }
        case Op.ATOMIC: {
          const to = this.#runInner(pc + 2, at, top);
          if (to >= 0) {
            at = to;
            pc = code[pc + 1];
          } else failed = true;
          break;
        }
      }
      if (!failed) continue;
      // Goes on where there is another choice.
      for (;;) {
        if (top === bottom) return -1;
        const stack = this.#stack;
        pc = stack[top - 3];
        at = stack[top - 2];
        const least = stack[top - 1];
        if (least === -1) { // of a SPLIT
          top -= 3;
          break;
        }
        if (least < -1) { // of a lazy RUN: one more character, up to the limit
          const isIn = members[code[pc + 1]];
          top -= 3;
          if (at >= Math.min(end, -2 - least) || isIn[classes[at]] === 0) continue;
          at++;
          // With a limit, it could come further from a later place.
          if (code[pc + 3] === NO_LIMIT && this.#isTried(pc, at)) continue;
          if (at < -2 - least) top = this.#push(top, pc, at, least);
          pc += 5;
          break;
        }
        // Of a RUN: one character less.
        if (at === least) {
          top -= 3;
          this.#noteFailedRun(pc, least);
          continue;
        }
        stack[top - 2] = --at;
        if (this.#isTried(pc + 5, at)) continue;
        pc += 5;
        break;
      }
    }
  }

  /** A RUN has failed with every number of characters it could take, at least `code[pc + 2]`, which end at `least`. */
  #noteFailedRun(pc: number, least: number): void {
    const code = this.#code;
    // With a limit, it could come further from a later place.
    if (code[pc + 3] !== NO_LIMIT) return;
    const isIn = this.#members[code[pc + 1]];
    const from = least - code[pc + 2];
    if (from >= this.#failedFrom[pc] && from <= this.#failedTo[pc]) return;
    this.#hasFailedRuns = true;
    if (from + 1 >= this.#failedFrom[pc] && from + 1 <= this.#failedTo[pc]) {
      this.#failedFrom[pc] = from;
      return;
    }
    let to = least;
    while (to < this.#end && isIn[this.#classes[to]] === 1) to++;
    this.#failedFrom[pc] = from;
    this.#failedTo[pc] = to - (code[pc + 2] > 0 ? 1 : 0);
  }

  #push(top: number, pc: number, at: number, least: number): number {
    if (top + 3 > this.#stack.length) {
      const grown = new Int32Array(this.#stack.length * 2);
      grown.set(this.#stack);
      this.#stack = grown;
    }
    const stack = this.#stack;
    stack[top] = pc;
    stack[top + 1] = at;
    stack[top + 2] = least;
    return top + 3;
  }

  /** A frame that takes more, up to place `limit`, which a number below -1 stands for. */
  #pushLazy(top: number, pc: number, at: number, limit: number): number {
    return this.#push(top, pc, at, -2 - Math.min(limit, 0x7ffffff0));
  }
}
