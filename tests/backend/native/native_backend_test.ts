import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createNativeBackend } from "../../../lib/backend/native.ts";
import { CodeCache } from "../../../lib/backend/native/code_cache.ts";
import { callingConvention } from "../../../lib/backend/native/executable_memory.ts";
import { BF16_KERNELS, MADE_BY } from "../../../lib/backend/native/kernels.ts";
import { NativeKernels } from "../../../lib/backend/native/native_kernels.ts";
import { findFault, tryKernels } from "../../../lib/backend/native/self_test.ts";
import { bf16Cases, selfTestCases } from "../../../lib/backend/native/self_test_cases.ts";
import { permitTiles } from "../../../lib/backend/native/permit_tiles.ts";
import { findNativeSupport } from "../../../lib/backend/native/support.ts";
import { encodeProgram } from "../../../lib/backend/wasm/layout.ts";
import { compileModule, kernelNames } from "../../../lib/backend/wasm/module.ts";
import { WorkerPool } from "../../../lib/backend/wasm/pool.ts";
import { createWasmBackend } from "../../../lib/backend/wasm.ts";
import type { Precision } from "../../../lib/graph/graph.ts";
import { measurePeak } from "../../../lib/measure/peak.ts";
import { selfTest } from "../../../lib/self_test/self_test.ts";

const { set, bf16Units, unsupported } = findNativeSupport();
const hasBf16 = bf16Units !== undefined && bf16Units.length > 0;

/** A test that needs machine code. */
function nativeTest(name: string, fn: () => void | Promise<void>): void {
  const label = unsupported === undefined ? name : `${name} [got ${unsupported.got}]`;
  // The system's library stays open.
  Deno.test({ name: label, ignore: unsupported !== undefined, sanitizeResources: false, fn });
}

nativeTest("native backend: says what it is made of, and has all that the wasm backend has", async () => {
  await using native = await createNativeBackend({ workers: 2 });
  await using wasm = await createWasmBackend({ workers: 2 });
  assertEquals(native.name, "native");
  assertEquals(native.description, `machine code for ${set!.title}, 2 workers`);
  const { kernels } = native.capabilities;
  const precisions: Precision[] = hasBf16 ? ["f32", "bf16"] : ["f32"];
  assertEquals(native.capabilities, { ...wasm.capabilities, kernels, precisions, vectorBits: set!.lanes * 32 });
  const added = hasBf16 ? BF16_KERNELS : new Set<string>();
  assertEquals(kernels, wasm.capabilities.kernels.union(added));
  for (const name of MADE_BY.keys()) assertEquals(kernels.has(name), hasBf16 || !BF16_KERNELS.has(name), name);
});

nativeTest("native backend: refuses a number of workers that cannot be, as wasm does", async () => {
  for (const workers of [0, 1.5, 257, NaN]) {
    const problem = `Cannot start the native backend: got ${workers} workers`;
    await assertRejects(() => createNativeBackend({ workers }), RangeError, problem);
  }
});

nativeTest("native backend: every kernel agrees with the wasm backend's", async () => {
  await using native = await createNativeBackend();
  await using wasm = await createWasmBackend();
  assertEquals(await selfTest(native, wasm, { large: true }), []);
});

nativeTest("native backend: its peak is that of its vectors", async () => {
  await using native = await createNativeBackend({ workers: 1 });
  const { peak, peakSource } = await measurePeak(native);
  assertEquals(peakSource, `${set!.lanes * 32}-bit multiply-adds in registers`);
  // From a slow core that others use as well, to more than any core can do.
  assert(peak > 1e8 && peak < 1e12, `${peak} FLOP/s`);
});

nativeTest("a self-test tries each kernel, and names one that is wrong", () => {
  const cases = selfTestCases();
  const computing = [...MADE_BY.keys()].filter((name) => name !== "peak_fma" && !BF16_KERNELS.has(name));
  assertEquals([...new Set(cases.map(({ name }) => name))].sort(), computing.sort());
  assertEquals(findFault(set!), undefined);
  for (const [i, { name, expected }] of cases.entries()) {
    // As far off as a missing term would be.
    const off = expected[0].map((value, at) => at === expected[0].length - 1 ? value + 0.05 : value);
    const changed = cases.with(i, { ...cases[i], expected: [off, ...expected.slice(1)] });
    assertEquals(tryKernels(set!, changed), `wrong results from ${name}`);
    const nothing = cases.with(i, { ...cases[i], expected: [expected[0].map(() => NaN), ...expected.slice(1)] });
    assertEquals(tryKernels(set!, nothing), `wrong results from ${name}`);
  }
});

nativeTest("the self-test of products in bf16 notices one that does not round, or whose sum lacks a term", () => {
  for (const unit of bf16Units!.filter((unit) => unit !== "amx" || permitTiles())) {
    const cases = bf16Cases();
    assertEquals(new Set(cases.map(({ name }) => name)), BF16_KERNELS);
    assertEquals(tryKernels(set!, cases, [unit]), undefined, unit);
    const exact = selfTestCases().filter(({ name }) => name.startsWith("linear_"));
    for (const [i, { name, expected }] of cases.entries()) {
      const off = expected[0].map((value, at) => at === expected[0].length - 1 ? value + 0.05 : value);
      const wrong = { ...cases[i], expected: [off] };
      assertEquals(tryKernels(set!, cases.with(i, wrong), [unit]), `wrong results from ${name}`, unit);
      const unrounded = { ...cases[i], expected: exact[i].expected };
      assertEquals(tryKernels(set!, cases.with(i, unrounded), [unit]), `wrong results from ${name}`, unit);
    }
  }
});

nativeTest("a worker that does not come back from machine code is given up, and the call named", async () => {
  const code = new CodeCache(set!, callingConvention(Deno.build.os)!, 1);
  const others = new NativeKernels(code);
  const module = await compileModule();
  const pool = await WorkerPool.start(module, { workers: 1, native: set!.name, silentSeconds: 1 });
  // For some seconds, as it is to end at last: a thread in machine code cannot be stopped, and takes a core until then.
  const [kernel] = [{ name: "peak_fma", inputs: [], outputs: ["result"], constants: { iterations: "u32" } } as const];
  const result = pool.allocator.allocate(64, "the result");
  const call = others.encode({ kernel, views: [], constants: [1] }, [result])!;
  const [address, , ...rest] = call.args;
  const encoded = encodeProgram(1, [{
    ...{ kernel: kernelNames(module).length + call.kernel, args: [address, 2 ** 32 - 1, ...rest, 0] },
    ...{ meet: false, alone: false, counters: 0 },
  }]);
  const list = pool.allocator.allocate(encoded.length * 8, "the list");
  new Float64Array(pool.memory.buffer, list).set(encoded);
  const failure = await pool.run(list);
  assertEquals([failure!.call, failure!.worker], [0, 0]);
  assertStringIncludes(failure!.message, "has made no progress for 1 seconds");
  assertEquals(pool.isLost, true);
  await assertRejects(() => pool.run(list), Error, "Worker 0 of the native backend hangs");
  assertThrows(() => pool.allocator.allocate(2 ** 32, "too much"), RangeError, "that the native backend can address");
  // The code stays, as the worker may be in it.
  await pool.stop();
});

Deno.test("machine code is for x86-64: elsewhere the reason is given", () => {
  const reason = (os: string, arch: string) => findNativeSupport("avx512", { os, arch }).unsupported?.got;
  assertEquals(reason("linux", "aarch64"), "linux on aarch64");
  assertEquals(reason("darwin", "aarch64"), "darwin on aarch64");
  assertEquals(reason("freebsd", "x86_64"), "freebsd on x86_64");
  assertEquals(findNativeSupport("avx512", { os: "linux", arch: "aarch64" }).unsupported?.permission, false);
});
