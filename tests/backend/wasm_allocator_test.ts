import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Allocator } from "../../lib/backend/wasm/allocator.ts";
import { HEAP_START, PAGE_BYTES } from "../../lib/backend/wasm/layout.ts";

function allocator(maximum = 1000): { heap: Allocator; memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
  return { heap: new Allocator(memory, "wasm"), memory };
}

Deno.test("Allocator: pieces are zeroed, aligned, inside the heap, and never overlap", () => {
  const step = fc.record({ bytes: fc.integer({ min: 4, max: 3 * PAGE_BYTES }), free: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { heap, memory } = allocator();
      const pieces: { start: number; bytes: number }[] = [];
      for (const { bytes, free } of steps) {
        if (free % 3 === 0 && pieces.length > 0) {
          const [piece] = pieces.splice(free % pieces.length, 1);
          heap.free(piece.start);
        }
        const start = heap.allocate(bytes, "a piece");
        const end = start + bytes;
        assert(start >= HEAP_START && end <= memory.buffer.byteLength && start % 256 === 0);
        for (const other of pieces) assert(end <= other.start || other.start + other.bytes <= start);
        const contents = new Uint8Array(memory.buffer, start, bytes);
        assert(contents.every((byte) => byte === 0));
        contents.fill(0xff);
        pieces.push({ start, bytes });
      }
    }),
    { seed: 20, numRuns: 100 },
  );
});

Deno.test("Allocator: what was freed is joined and used again, so memory does not grow", () => {
  const { heap, memory } = allocator();
  const starts = Array.from({ length: 10 }, () => heap.allocate(10_000, "a piece"));
  const grown = memory.buffer.byteLength;
  for (const i of [3, 1, 2, 0, 9, 7, 8, 5, 4, 6]) heap.free(starts[i]);
  assertEquals(heap.usedBytes, 0);
  heap.allocate(100_000, "one piece of the same total");
  assertEquals(memory.buffer.byteLength, grown);
});

Deno.test("Allocator: the error says what did not fit, and the heap stays usable", () => {
  const { heap } = allocator(10);
  const error = assertThrows(() => heap.allocate(10 * PAGE_BYTES, 'storage "parameters"'), RangeError);
  assert(error.message.startsWith('Cannot allocate storage "parameters": it needs'), error.message);
  heap.allocate(8 * PAGE_BYTES, "what fits");
});

Deno.test("Allocator: freeing twice is an error", () => {
  const { heap } = allocator();
  const start = heap.allocate(4, "a piece");
  heap.free(start);
  assertThrows(() => heap.free(start), Error, "not allocated");
});
