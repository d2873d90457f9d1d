// The kernels that measure a GPU must do the work that is counted, all of it.
import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { defineKernel, type Kernel } from "../../lib/graph/kernel.ts";
import { Program } from "../../lib/graph/program.ts";
import { type ArraySpec, contentsOf, viewsOf } from "../../lib/measure/kernel_arrays.ts";
import { gpuTest, openGpu } from "../harness/gpu.ts";

const WORKGROUP = 256;

/** What a call leaves in its last array, and what was in its first. */
async function call(backend: Backend, kernel: Kernel, arrays: readonly ArraySpec[], constants: readonly number[]) {
  const views = viewsOf(kernel.name, arrays);
  const calls = [{ kernel, views, constants }];
  const program = new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
  const executable = await backend.load(program);
  const contents = arrays.map(contentsOf);
  views.forEach((view, i) => backend.write(view, contents[i]));
  await executable.run();
  return { first: contents[0], last: await backend.read(views[views.length - 1]) };
}

/** One invocation of peak_fma_workgroups. */
function squares(local: number, workgroups: number, iterations: number): { sum: number; chains: Set<string> } {
  const unknown = local / (WORKGROUP * workgroups);
  const chains = new Set<string>();
  let sum = 0;
  for (let chain = 0; chain < 8; chain++) {
    for (let lane = 0; lane < 4; lane++) {
      const c = [-0.26, -0.32, -0.38, -0.44][lane] - 0.05 * unknown;
      let x = [-0.1, -0.2, -0.3, -0.4][lane] + 0.01 * unknown + 0.01 * chain;
      for (let step = 0; step < 8 * iterations; step++) {
        x = x * x + c;
        assert(Math.abs(x) <= 0.5, `${x}`);
        if (step === 0) chains.add(`${x} in lane ${lane}`);
      }
      sum += x;
    }
  }
  return { sum, chains };
}

gpuTest("webgpu: peak_fma_workgroups squares and adds in 32 chains that all differ, in every invocation", async () => {
  const kernel = defineKernel({
    name: "peak_fma_workgroups",
    inputs: [],
    outputs: ["result"],
    constants: { iterations: "u32", workgroups: "u32" },
  });
  await using backend = await openGpu();
  const workgroups = 3;
  for (const iterations of [1, 5]) {
    const { last } = await call(backend, kernel, [workgroups * WORKGROUP], [iterations, workgroups]);
    for (let i = 0; i < last.length; i++) {
      const { sum, chains } = squares(i % WORKGROUP, workgroups, iterations);
      assertEquals(chains.size, 32);
      // A step shrinks an error, by a slope of at most 0.98: 32 sums of numbers below 0.5.
      assert(Math.abs(last[i] - sum) < 1e-4, `${last[i]} instead of ${sum} in invocation ${i}`);
    }
  }
});

gpuTest("webgpu: peak_read reads each number once, however many there are", async () => {
  const kernel = defineKernel({
    name: "peak_read",
    inputs: ["data"],
    outputs: ["sums"],
    constants: { n: "u32", workgroups: "u32" },
  });
  await using backend = await openGpu();
  const workgroups = 2;
  for (const n of [1, 511, 513, 5 * 512, 9 * 512 + 7]) {
    const { first, last } = await call(backend, kernel, [4 * n, workgroups * WORKGROUP], [n, workgroups]);
    const expected = new Float64Array(last.length);
    first.forEach((value, i) => expected[(i >> 2) % expected.length] += value);
    // Each is a sum of at most 40 numbers below 0.05.
    expected.forEach((sum, i) => assert(Math.abs(last[i] - sum) < 1e-5, `${last[i]} instead of ${sum}, n ${n}, ${i}`));
  }
});
