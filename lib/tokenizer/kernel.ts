// The tokenizer's WebAssembly kernel (kernels/simd/tokenizer) and its memory.
import modulePages from "../../kernels/simd/tokenizer.wasm.b64" with { type: "text" };
import { UserError } from "../errors.ts";
import { CHAR_CLASSES } from "./pretokenize/char_class_table.ts";
import { LongStretchError, MAX_STRETCH_BYTES } from "./pretokenize/long_stretch.ts";
import { PATTERN_NAMES, type PatternName } from "./pretokenize/patterns.ts";
import type { SplitStep } from "./pretokenize/split_steps.ts";
import { lastSafeCut } from "./pretokenize/safe_cut.ts";
import { SpecialTokens } from "./pretokenize/special_tokens.ts";

/** A number from the kernel that may exceed 2^31: `>>> 0` makes it unsigned, as it is there. */
interface Address {
  readonly value: number;
}

/** What the module exports; see its sources. */
interface KernelExports {
  readonly memory: WebAssembly.Memory;
  // Addresses and sizes, which change when the memory grows.
  readonly classes: Address;
  readonly input: Address;
  readonly inputBytes: Address;
  readonly output: Address;
  readonly words: Address;
  readonly nextSlot: Address;
  readonly numWords: Address;
  init(numMerges: number, inputBytes: number, outputBytes: number, idBytes: number): void;
  initWords(): void;
  growInput(bytes: number): void;
  count(pattern: number, length: number): void;
  addCounts(length: number): void;
  wordsEndNear(fromSlot: number, maxSlots: number): number;
  clearMerges(): void;
  setByteId(byte: number, id: number): void;
  addMerge(rank: number, left: number, right: number, merged: number, leftByte: number, rightByte: number): void;
  encode(pattern: number, from: number, length: number): number;
  outputLength(): number;
  keepToken(length: number, id: number): void;
  wordEnd(pattern: number, from: number, length: number): number;
  mergeWindow(from: number, to: number): number;
  wordsEnd(): number;
}

/** Text goes to the kernel in pieces of this size, which fit a processor's cache together with their ids. */
const INPUT_BYTES = 1 << 18;
/** Bytes behind the text that the kernel may read: see kernels/simd/tokenizer/layout.ts. */
const PADDING = 128;
const NO_SPECIALS = new SpecialTokens([]);

let compiled: WebAssembly.Module | undefined;

/** One instance of the kernel. */
export class Kernel {
  readonly exports: KernelExports;
  readonly pattern: number;
  #bytes = new Uint8Array();

  /**
   * @param numMerges How many merges it will know; 0 if it only counts.
   * @param idBytes Bytes of each id that it puts out: 2 or 4.
   */
  constructor(pattern: PatternName | readonly SplitStep[], numMerges: number, idBytes: 2 | 4 = 4) {
    // Small enough to compile synchronously, so that a tokenizer can be made without waiting.
    compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(modulePages));
    const outOfMemory = () => {
      throw new UserError(
        "Cannot keep the words seen: got more than 4 GB of them, must be less. Give less text at once",
      );
    };
    const instance = new WebAssembly.Instance(compiled, { layout: { outOfMemory } });
    this.exports = instance.exports as unknown as KernelExports;
    // After the numbers of the scanners comes that of words that are given: see writeWords().
    this.pattern = typeof pattern === "string" ? PATTERN_NAMES.indexOf(pattern) : PATTERN_NAMES.length;
    // Room for one id for each byte.
    this.exports.init(numMerges, INPUT_BYTES, numMerges > 0 ? INPUT_BYTES * idBytes : 0, idBytes);
    this.exports.initWords();
    this.bytes.set(CHAR_CLASSES, this.exports.classes.value >>> 0);
  }

  /** The kernel's memory: valid until the next call of the kernel, which may grow it. */
  get bytes(): Uint8Array {
    const { buffer } = this.exports.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer as ArrayBuffer);
    return this.#bytes;
  }

  /** `length` numbers of the kernel's memory from `address` on: valid until its next call. */
  uint32s(address: number, length: number): Uint32Array {
    return new Uint32Array(this.exports.memory.buffer, address >>> 0, length);
  }

  /** Puts bytes into the kernel's input, and returns how many they are. */
  write(bytes: Uint8Array): number {
    this.exports.growInput(bytes.length);
    this.bytes.set(bytes, this.exports.input.value >>> 0);
    return bytes.length;
  }

  /** Puts words into the kernel's input, for a pattern that the kernel has no scanner for. */
  writeWords(bytes: Uint8Array, starts: Uint32Array): void {
    const { length } = bytes;
    this.exports.growInput(2 * length + PADDING);
    const input = this.exports.input.value >>> 0;
    const memory = this.bytes;
    memory.set(bytes, input);
    const marks = input + length + PADDING;
    memory.fill(0, marks, marks + length);
    for (let i = 0; i < starts.length; i++) memory[marks + starts[i]] = 1;
  }

  /**
   * Puts `text[start..end)` into the kernel's input, in pieces that can be pre-tokenized separately (as the whole can),
   * and calls `run` with the length of each.
   *
   * @throws {LongStretchError} If more than {@linkcode MAX_STRETCH_BYTES} cannot be divided like this.
   */
  forEachPiece(text: Uint8Array, start: number, end: number, run: (length: number) => void): void {
    let capacity = Math.min(this.exports.inputBytes.value >>> 0, MAX_STRETCH_BYTES);
    while (start < end) {
      let to = Math.min(end, start + capacity);
      if (to < end) {
        const cut = lastSafeCut(text, start, to, NO_SPECIALS);
        if (cut < 0) {
          if (capacity === MAX_STRETCH_BYTES) throw new LongStretchError(start);
          capacity = Math.min(capacity * 2, MAX_STRETCH_BYTES);
          continue;
        }
        to = cut;
      }
      this.write(text.subarray(start, to));
      run(to - start);
      start = to;
    }
  }
}
