import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createNativeBackend } from "../../lib/backend/native.ts";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { compileModule, kernelNames, WORKER_FUNCTIONS } from "../../lib/backend/wasm/module.ts";
import { viewOf, wholeOf } from "../../lib/graph/program.ts";
import { Arena, everyKernel } from "./every_kernel.ts";

Deno.test("the program with every kernel calls each that the wasm module has", async () => {
  const { program } = everyKernel(new Arena());
  const others = [...WORKER_FUNCTIONS, "peak_fma"];
  assertEquals(
    [...new Set(program.calls.map(({ kernel }) => kernel.name))].sort(),
    kernelNames(await compileModule()).filter((name) => !others.includes(name)).sort(),
  );
});

/** Runs the program twice by different numbers of workers, and compares the bits. */
async function assertSameBits(open: (workers: number) => Promise<Backend>): Promise<void> {
  const arena = new Arena();
  const { program, ids, start } = everyKernel(arena);
  let state = 7;
  const random = () => (state = Math.imul(state, 48271) % 0x7fffffff) / 0x7fffffff;
  const floats = Float32Array.from({ length: arena.floats.bytes / 4 }, () => Math.abs(random()) + 0.01);
  const tokens = Uint32Array.from({ length: ids.size }, () => Math.floor(Math.abs(random()) * 71));
  let first: Uint32Array | undefined;
  for (const workers of [1, 2, 3, 5]) {
    await using backend = await open(workers);
    const executable = await backend.load(program);
    backend.write(wholeOf(arena.floats), floats);
    backend.write(viewOf(ids, ids.placement!), tokens);
    backend.write(viewOf(start, start.placement!), Uint32Array.of(0));
    await executable.run();
    await executable.run();
    const result = await backend.read(wholeOf(arena.floats));
    assert(result.every((value) => Number.isFinite(value)), "the step must not produce NaN: it would hide differences");
    const bits = new Uint32Array(result.buffer);
    first ??= bits;
    const different = bits.findIndex((word, i) => word !== first![i]);
    assertEquals(different, -1, `${workers} workers: float ${different} is ${result[different]}`);
  }
}

Deno.test("wasm backend: the same bits for any number of workers", async () => {
  await assertSameBits((workers) => createWasmBackend({ workers }));
});

const { set, unsupported } = findNativeSupport();

for (const instructions of ["avx512", "avx2"] as const) {
  const missing = unsupported !== undefined || instructions === "avx512" && set.name === "avx2";
  Deno.test({
    name: `native backend: the same bits for any number of workers [${instructions}]`,
    ignore: missing,
    // The system's library stays open.
    sanitizeResources: false,
    fn: async () => await assertSameBits((workers) => createNativeBackend({ workers, instructions })),
  });
}
