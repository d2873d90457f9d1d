import { OptionError } from "../../errors.ts";
import { align } from "../../graph/plan.ts";
import { HEAP_START, MAX_PAGES, PAGE_BYTES } from "./layout.ts";

interface Block {
  start: number;
  bytes: number;
}

/** Hands out pieces of a growing shared memory: first fit over a list of free blocks, which are merged when freed. */
export class Allocator {
  readonly #memory: WebAssembly.Memory;
  readonly #backend: string;
  /** Ascending, no two adjacent. */
  readonly #free: Block[] = [];
  readonly #used = new Map<number, number>();
  /**
   * Nothing was ever handed out from here on, so it is all zero, and the operating system has not touched it either.
   */
  #pristine = HEAP_START;

  /** @param backend Whose memory it is, for the error. */
  constructor(memory: WebAssembly.Memory, backend: string) {
    this.#memory = memory;
    this.#backend = backend;
    const bytes = memory.buffer.byteLength - HEAP_START;
    if (bytes > 0) this.#free.push({ start: HEAP_START, bytes });
  }

  /** Bytes handed out and not yet freed. */
  get usedBytes(): number {
    return this.#used.values().reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * Returns the address of `bytes` zeroed bytes.
   * @param name What they are for, for the error.
   * @throws {OptionError} If the memory cannot grow enough.
   */
  allocate(bytes: number, name: string): number {
    const size = align(bytes);
    let index = this.#free.findIndex((block) => block.bytes >= size);
    if (index < 0) index = this.#grow(size, name);
    const block = this.#free[index];
    const start = block.start;
    if (block.bytes === size) this.#free.splice(index, 1);
    else this.#free[index] = { start: start + size, bytes: block.bytes - size };
    this.#used.set(start, size);
    const dirty = Math.min(size, this.#pristine - start);
    if (dirty > 0) new Uint8Array(this.#memory.buffer, start, dirty).fill(0);
    this.#pristine = Math.max(this.#pristine, start + size);
    return start;
  }

  /** Takes back what `allocate` returned. */
  free(start: number): void {
    const bytes = this.#used.get(start);
    if (bytes === undefined) throw new Error(`Cannot free address ${start}: it is not allocated`);
    this.#used.delete(start);
    this.#insert({ start, bytes });
  }

  /** Makes a free block of at least `size` bytes at the memory's end, and returns its index. */
  #grow(size: number, name: string): number {
    const end = this.#memory.buffer.byteLength;
    const last = this.#free.at(-1);
    const missing = size - (last && last.start + last.bytes === end ? last.bytes : 0);
    const pages = Math.ceil(missing / PAGE_BYTES);
    try {
      // Refused beyond the maximum, and where the system has no more to give.
      this.#memory.grow(pages);
    } catch (cause) {
      const gib = (n: number) => `${(n / 2 ** 30).toFixed(2)} GiB`;
      throw new OptionError(
        `Cannot allocate ${name}: it needs ${gib(size)} on top of ${gib(this.usedBytes)} in use, must fit in the ` +
          `${gib(MAX_PAGES * PAGE_BYTES)} that the ${this.#backend} backend can address. Use a smaller model or batch`,
        { cause },
      );
    }
    return this.#insert({ start: end, bytes: pages * PAGE_BYTES });
  }

  /** Adds a free block, joined with its neighbours, and returns its index. */
  #insert(block: Block): number {
    let index = this.#free.findIndex((other) => other.start > block.start);
    if (index < 0) index = this.#free.length;
    const next = this.#free[index];
    if (next && block.start + block.bytes === next.start) {
      block.bytes += next.bytes;
      this.#free.splice(index, 1);
    }
    const previous = this.#free[index - 1];
    if (previous && previous.start + previous.bytes === block.start) {
      previous.bytes += block.bytes;
      return index - 1;
    }
    this.#free.splice(index, 0, block);
    return index;
  }
}
