import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createNativeBackend } from "../../lib/backend/native.ts";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { compileModule, kernelNames, WORKER_FUNCTIONS } from "../../lib/backend/wasm/module.ts";
import { schedule } from "../../lib/backend/wasm/schedule.ts";
import { Graph } from "../../lib/graph/graph.ts";
import type { Kernel, KernelTry } from "../../lib/graph/kernel.ts";
import { plan } from "../../lib/graph/plan.ts";
import { viewOf, wholeOf } from "../../lib/graph/program.ts";
import { KERNELS } from "../../lib/train/kernels.ts";
import { resultsOver, sizesOf } from "../harness/kernel_writes.ts";
import { Random } from "../harness/random.ts";
import { Arena, manyKernels } from "./many_kernels.ts";

const WORKERS = [1, 2, 3, 5];

const TRIED = KERNELS.filter(({ tries = [] }) => tries.length > 0);

type Open = (workers: number) => Promise<Backend>;

/** Runs the program twice with each number of workers, and compares the bits. */
async function assertSameProgram(open: Open): Promise<void> {
  const arena = new Arena();
  const { program, ids, start, mask } = manyKernels(arena);
  let state = 7;
  const random = () => (state = Math.imul(state, 48271) % 0x7fffffff) / 0x7fffffff;
  const floats = Float32Array.from({ length: arena.floats.bytes / 4 }, () => Math.abs(random()) + 0.01);
  const tokens = Uint32Array.from({ length: ids.size }, () => Math.floor(Math.abs(random()) * 71));
  let first: Uint32Array | undefined;
  for (const workers of WORKERS) {
    await using backend = await open(workers);
    const executable = await backend.load(program);
    backend.write(wholeOf(arena.floats), floats);
    backend.write(viewOf(ids, ids.placement!), tokens);
    backend.write(viewOf(mask, mask.placement!), Uint32Array.from({ length: mask.size }, (_, i) => i % 3));
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

/** Calls each kernel, as it says that it can be tried, with each number of workers, and compares the bits. */
async function assertSameKernels(open: Open): Promise<void> {
  const expected = new Map<string, Uint32Array>();
  const own = kernelNames(await compileModule());
  for (const workers of WORKERS) {
    await using backend = await open(workers);
    for (const kernel of TRIED.filter(({ name }) => own.includes(name))) {
      for (const sample of kernel.tries!.filter(({ large }) => !large)) {
        const label = `${kernel.name} ${JSON.stringify(sample.constants)}`;
        const random = new Random(31);
        const sizes = sizesOf(kernel, sample.constants);
        // None is negative: some are variances.
        const before = Object.fromEntries(
          kernel.outputs.map((name) => [name, random.normal(sizes[name]).map(Math.abs)]),
        );
        const [results] = await resultsOver(backend, kernel, sample, [before]);
        for (const name of kernel.outputs) {
          const bits = new Uint32Array(Float32Array.from(results[name]).buffer);
          const first = expected.get(`${label} ${name}`) ?? bits;
          expected.set(`${label} ${name}`, first);
          const different = bits.findIndex((word, i) => word !== first[i]);
          assertEquals(
            different,
            -1,
            `${label}, ${workers} workers: ${name}[${different}] is ${results[name][different]}`,
          );
        }
      }
    }
  }
}

function testBackend(name: string, open: Open, isMissing = false): void {
  const tests = [
    { what: "a step of many kernels", assertSame: assertSameProgram },
    { what: "every kernel", assertSame: assertSameKernels },
  ];
  for (const { what, assertSame } of tests) {
    Deno.test({
      name: `${what} gives the same bits for any number of workers [${name}]`,
      ignore: isMissing,
      // The system's library stays open.
      sanitizeResources: !name.startsWith("native"),
      fn: async () => await assertSame(open),
    });
  }
}

testBackend("wasm", (workers) => createWasmBackend({ workers }));

const { set, unsupported } = findNativeSupport();

for (const instructions of ["avx512", "avx2"] as const) {
  const isMissing = unsupported !== undefined || instructions === "avx512" && set.name === "avx2";
  testBackend(`native, ${instructions}`, (workers) => createNativeBackend({ workers, instructions }), isMissing);
}

Deno.test("every kernel of the wasm module says how it can be tried", async () => {
  const others = [...WORKER_FUNCTIONS, "peak_fma"];
  const tried = TRIED.map(({ name }) => name);
  const untried = kernelNames(await compileModule()).filter((name) => ![...others, ...tried].includes(name));
  assertEquals(untried, []);
});

Deno.test("every kernel is tried with arrays that workers share out", () => {
  const isShared = (kernel: Kernel, { constants }: KernelTry) => {
    const graph = new Graph();
    const sizes = sizesOf(kernel, constants);
    const array = (name: string) =>
      graph.input(name, [sizes[name]], { dtype: kernel.integers?.includes(name) ? "u32" : "f32" });
    const arrays = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, array(name)]));
    graph.call(kernel, { inputs: arrays(kernel.inputs), outputs: arrays(kernel.outputs), constants });
    return !schedule(plan(graph).calls)[0].alone;
  };
  const alone = TRIED.filter((kernel) => !kernel.tries!.some((sample) => isShared(kernel, sample)));
  // It sums a thousand numbers at most.
  assertEquals(alone.map(({ name }) => name), ["clip_grad_norm_factor"]);
});
