import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeProgram } from "../../lib/backend/wasm/layout.ts";
import { kernelNames } from "../../lib/backend/wasm/module.ts";
import { type PoolOptions, WorkerPool } from "../../lib/backend/wasm/pool.ts";

const I32 = 0x7f;

/** Bytes with their number before them, as WebAssembly writes vectors and sections; below 128 of them. */
const counted = (...bytes: number[]): number[] => [bytes.length, ...bytes];
const listed = (...items: number[][]): number[] => [items.length, ...items.flat()];
const section = (id: number, content: number[]): number[] => [id, ...counted(...content)];
const text = (value: string): number[] => counted(...new TextEncoder().encode(value));

/** Functions by name: parameters, results, and code without its `end`. */
const FUNCTIONS: Readonly<Record<string, readonly [number, number, number[]]>> = {
  await_call: [1, 0, []],
  complete: [1, 0, []],
  take: [1, 1, [0x41, 1]],
  wake: [0, 0, []],
  set_scratch: [1, 0, []],
  set_worker: [2, 0, []],
  nothing: [1, 0, []],
  /** loop local.get 0 i32.atomic.load i32.eqz br_if 0 end: until the word at the address it is given is not 0. */
  hang: [1, 0, [0x03, 0x40, 0x20, 0, 0xfe, 0x10, 2, 0, 0x45, 0x0d, 0, 0x0b]],
  /** unreachable */
  trap: [1, 0, [0x00]],
};

/** A module with the functions that workers need, and kernels that do nothing, trap, or do not return. */
function faultyModule(): WebAssembly.Module {
  const functions = Object.entries(FUNCTIONS);
  return new WebAssembly.Module(Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      listed(...functions.map(([, [parameters, results]]) => [
        0x60,
        ...counted(...new Array<number>(parameters).fill(I32)),
        ...counted(...new Array<number>(results).fill(I32)),
      ])),
    ),
    // A shared memory of 2 to 65,536 pages.
    ...section(2, listed([...text("env"), ...text("memory"), 2, 3, 2, 0x80, 0x80, 4])),
    ...section(3, listed(...functions.map((_, type) => [type]))),
    ...section(7, listed(...functions.map(([name], index) => [...text(name), 0, index]))),
    ...section(10, listed(...functions.map(([, [, , code]]) => counted(0, ...code, 0x0b)))),
  ]));
}

/** Runs kernels one after the other on a pool of such a module. */
async function runKernels(names: readonly string[], options: PoolOptions) {
  const module = faultyModule();
  const pool = await WorkerPool.start(module, options);
  const word = pool.allocator.allocate(4, "a word");
  const calls = names.map((name) => ({
    kernel: kernelNames(module).indexOf(name),
    meet: true,
    alone: false,
    counters: 0,
    args: [word],
  }));
  const list = encodeProgram(1, calls);
  const address = pool.allocator.allocate(list.length * 8, "a list of calls");
  new Float64Array(pool.memory.buffer, address).set(list);
  // Deno ends no thread that is in a loop: it would take a core from every test that follows.
  const release = () => Atomics.store(new Int32Array(pool.memory.buffer), word / 4, 1);
  return { pool, run: () => pool.run(address), release };
}

for (const workers of [1, 3]) {
  Deno.test(`${workers} workers that never come back from a call end the run, which names it`, async () => {
    const kernels = ["nothing", "nothing", "hang", "nothing"];
    const { pool, run, release } = await runKernels(kernels, { workers, silentSeconds: 1 });
    const failure = await run();
    assertEquals(failure?.call, 2);
    assert(failure!.worker >= 0 && failure!.worker < workers);
    assertStringIncludes(failure!.message, "has made no progress for 1 seconds");
    await assertRejects(run, Error, "of the wasm backend hangs");
    // Although workers are still in the loop.
    await pool.stop();
    release();
  });

  Deno.test(`${workers} workers end a run in which one traps, and the next one runs`, async () => {
    const { pool, run } = await runKernels(["nothing", "trap"], { workers });
    for (let i = 0; i < 3; i++) {
      const failure = await run();
      assertEquals(failure?.call, 1);
      assertStringIncludes(failure!.message, "unreachable");
    }
    await pool.stop();
  });
}

Deno.test("a worker that cannot start ends the start, and is named", async () => {
  // A module that needs another memory than it gets.
  const module = new WebAssembly.Module(Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(2, listed([...text("other"), ...text("memory"), 2, 3, 2, 0x80, 0x80, 4])),
  ]));
  const error = await assertRejects(() => WorkerPool.start(module, { workers: 2 }), Error);
  assertStringIncludes(error.message, "of the wasm backend ended: ");
});
