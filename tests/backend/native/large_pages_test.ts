import { assert, assertEquals } from "@std/assert";
import { wantLargePages } from "../../../lib/backend/native/large_pages.ts";
import { pointerTo } from "../../../lib/backend/native/native_function.ts";
import { MAX_PAGES, PAGE_BYTES } from "../../../lib/backend/wasm/layout.ts";

/** A system without such pages does not take the hint. */
const HAS_LARGE_PAGES = await Deno.stat("/sys/kernel/mm/transparent_hugepage/enabled").then(() => true, () => false);

/** The flags of the mappings, as the system lists them, which an address lies in. */
async function flagsAt(address: bigint): Promise<string[]> {
  let inside = false;
  for (const line of (await Deno.readTextFile("/proc/self/smaps")).split("\n")) {
    const range = line.match(/^([0-9a-f]+)-([0-9a-f]+) /);
    if (range) inside = BigInt(`0x${range[1]}`) <= address && address < BigInt(`0x${range[2]}`);
    else if (inside && line.startsWith("VmFlags:")) return line.split(/\s+/).slice(1);
  }
  return [];
}

Deno.test({
  name: "a shared memory is marked for large pages, also where it grows to, and keeps what it holds",
  ignore: Deno.build.os !== "linux" || !HAS_LARGE_PAGES,
  fn: async () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: true });
    const start = Deno.UnsafePointer.value(pointerTo(new Uint8Array(memory.buffer)));
    new Uint8Array(memory.buffer).fill(7);
    assert(!(await flagsAt(start)).includes("hg"), "it is not by itself");
    assert(wantLargePages(memory, MAX_PAGES * PAGE_BYTES));
    memory.grow(1000);
    const last = BigInt(memory.buffer.byteLength - 1);
    for (const address of [start, start + last]) assert((await flagsAt(address)).includes("hg"), `at ${address}`);
    const bytes = new Uint8Array(memory.buffer);
    assertEquals([bytes[0], bytes[2 * PAGE_BYTES - 1], bytes[2 * PAGE_BYTES]], [7, 7, 0]);
  },
});

Deno.test({
  name: "other systems are not asked",
  ignore: Deno.build.os === "linux",
  fn: () => {
    assertEquals(wantLargePages(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), PAGE_BYTES), false);
  },
});
