import { assert, assertEquals } from "@std/assert";
import { beginRun, closeGate, enterRun, isOver, leaveRun, nextRun } from "../../lib/backend/wasm/gate.ts";
import { WORD } from "../../lib/backend/wasm/layout.ts";

/** The operations that make other threads see something, or see something of theirs. */
const OPERATIONS = ["load", "store", "add", "compareExchange", "notify"] as const;

/**
 * Does `action`, and calls `intrude` before its atomic operation number `at`, counted from 0, as if another thread had run
 * there.
 * @returns How many atomic operations the action made.
 */
function withIntruder(at: number, action: () => void, intrude: () => void): number {
  const originals = OPERATIONS.map((name) => [name, Atomics[name]] as const);
  let count = 0;
  let isInside = false;
  for (const [name, original] of originals) {
    const watched = (...args: unknown[]) => {
      if (!isInside && count++ === at) {
        isInside = true;
        intrude();
        isInside = false;
      }
      return Reflect.apply(original, Atomics, args);
    };
    Object.defineProperty(Atomics, name, { value: watched, configurable: true, writable: true });
  }
  try {
    action();
  } finally {
    for (const [name, original] of originals) {
      Object.defineProperty(Atomics, name, { value: original, configurable: true, writable: true });
    }
  }
  return count;
}

function newWords(): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(1024));
  closeGate(words);
  return words;
}

/** What a worker does that is awake: it does the run, if it finds one. Returns the program that it ran. */
function visit(words: Int32Array): number | undefined {
  if (!enterRun(words)) return undefined;
  const program = Atomics.load(words, WORD.command);
  leaveRun(words);
  return program;
}

Deno.test("a worker that is late from the run before comes at any moment of the next one's beginning, and it ends", () => {
  const [address, first, second] = [65536, nextRun(0), nextRun(nextRun(0))];
  for (let at = 0, operations = 1; at < operations; at++) {
    const words = newWords();
    beginRun(words, first, address, 0);
    assertEquals(visit(words), address);
    assert(isOver(words, first));
    let ran: number | undefined;
    operations = withIntruder(at, () => beginRun(words, second, 2 * address, 0), () => ran = visit(words));
    // The worker that is woken now does what the late one left undone.
    const rest = visit(words);
    assertEquals([ran, rest].filter((program) => program !== undefined), [2 * address], `intruder at ${at}`);
    assert(isOver(words, second), `the main thread would wait without end: intruder at ${at}`);
  }
});

Deno.test("workers that meet at any moment of one's coming and going end a run once, after the last has left", () => {
  const run = nextRun(0);
  for (let at = 0, operations = 1; at < operations; at++) {
    const words = newWords();
    beginRun(words, run, 65536, 0);
    let overWithin = false;
    operations = withIntruder(at, () => {
      assert(enterRun(words) || isOver(words, run));
      overWithin = isOver(words, run);
      if (!overWithin) leaveRun(words);
    }, () => visit(words));
    assert(isOver(words, run), `intruder at ${at}`);
    assertEquals(enterRun(words), false, "nobody enters a run that is over");
  }
});

Deno.test("a run that begins as soon as the one before is published is not ended by the one who published", () => {
  const [first, second] = [nextRun(0), nextRun(nextRun(0))];
  for (let at = 0, operations = 1; at < operations; at++) {
    const words = newWords();
    beginRun(words, first, 65536, 0);
    assert(enterRun(words));
    let hasBegun = false;
    operations = withIntruder(at, () => leaveRun(words), () => {
      if (!isOver(words, first)) return;
      hasBegun = true;
      beginRun(words, second, 131072, 0);
    });
    if (!hasBegun) continue;
    assertEquals(isOver(words, second), false, `intruder at ${at}`);
    assertEquals(visit(words), 131072);
    assert(isOver(words, second));
  }
});

Deno.test("run numbers go round without an end", () => {
  assertEquals(nextRun(2 ** 31 - 1), -(2 ** 31));
});
