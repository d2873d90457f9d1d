import { assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../../../lib/backend/backend.ts";
import { Graph } from "../../../lib/graph/graph.ts";
import { clipGradNorm } from "../../../lib/train/optimizer/clip_grad_norm.ts";
import { assertClose } from "../../harness/assert_close.ts";
import { forEachBackend } from "../../harness/backends.ts";
import { loadFixture } from "../../harness/fixtures.ts";
import { GraphRun, runGraph, type Trace } from "../../harness/graph_run.ts";
import { Random } from "../../harness/random.ts";
import { roundings } from "../../harness/tolerance.ts";

const trace = (gradients: Float32Array, maxNorm: number) => (trace: Trace) => ({
  clip: clipGradNorm(trace.graph, trace.input("gradients", [gradients.length], gradients), maxNorm),
});

async function clip(backend: Backend, gradients: Float32Array, maxNorm: number) {
  const [norm, factor] = (await runGraph(backend, trace(gradients, maxNorm))).clip;
  return { norm, factor };
}

/** A sum of n squares, a random walk of roundings relative to it, halved by the root; a few more for the rest. */
const tolerance = (n: number) => roundings(Math.sqrt(n) + 8);

forEachBackend("clipGradNorm equals PyTorch", async (backend) => {
  const { floats, metadata } = loadFixture("clip_grad_norm");
  const gradients = Float32Array.from(["g0", "g1", "g2"].flatMap((name) => [...floats(name)]));
  const clipped = ["clipped0", "clipped1", "clipped2"].flatMap((name) => [...floats(name)]);
  const { norm, factor } = await clip(backend, gradients, Number(metadata.max_norm));
  assertClose([norm], floats("norm"), tolerance(gradients.length), "norm");
  assertClose(gradients.map((g) => g * factor), clipped, tolerance(gradients.length), "clipped");
});

forEachBackend("clipGradNorm equals its definition at sizes 1, primes, and around partial sums", async (backend) => {
  for (const n of [1, 2, 3, 7, 63, 64, 65, 127, 129, 1031, 64 * 64 + 1, 1_100_003]) {
    const gradients = new Random(n).normal(n);
    const norm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
    for (const maxNorm of [norm / 3, norm * 2]) {
      const actual = await clip(backend, gradients, maxNorm);
      assertClose([actual.norm], [norm], tolerance(n), `norm of ${n}`);
      assertClose([actual.factor], [Math.min(1, maxNorm / (norm + 1e-6))], tolerance(n), `factor for ${n}`);
    }
  }
});

forEachBackend(
  "clipGradNorm leaves gradients at or below the norm as they are, and all of them at Infinity",
  async (backend) => {
    const leaves = async (gradients: Float32Array, maxNorm: number, expected: number) => {
      const { norm, factor } = await clip(backend, gradients, maxNorm);
      // Even a square's root may be off: WGSL allows a root what it allows an inverse root and a division.
      assertClose([norm], [expected], roundings(10), `norm of ${gradients}`);
      assertEquals(factor, 1);
    };
    await leaves(Float32Array.of(3, -4), 6, 5);
    await leaves(Float32Array.of(3e4, -4e4), Infinity, 5e4);
    await leaves(new Float32Array(9), 1, 0);
  },
);

forEachBackend("clipGradNorm gives a factor of 0 for a norm that is not finite", async (backend) => {
  for (const [bad, norm] of [[NaN, NaN], [Infinity, Infinity], [-Infinity, Infinity], [2e38, Infinity]]) {
    for (const maxNorm of [1, Infinity]) {
      const gradients = new Random(2).normal(1031).fill(bad, 500, 505);
      // In float64 the square of 2e38 is a number like others.
      if (bad === 2e38 && backend.description.includes("float64")) continue;
      assertEquals(await clip(backend, gradients, maxNorm), { norm, factor: 0 }, `${bad} clipped to ${maxNorm}`);
    }
  }
});

forEachBackend("clipGradNorm gives the same bits twice", async (backend) => {
  const run = await GraphRun.load(backend, trace(new Random(1).normal(100_003), 1));
  assertEquals(await run.run(), await run.run());
  run.release();
});

Deno.test("clipGradNorm refuses a norm that is not above 0", () => {
  const graph = new Graph();
  const gradients = graph.input("gradients", [3]);
  for (const maxNorm of [0, -1, NaN]) {
    assertThrows(() => clipGradNorm(graph, gradients, maxNorm), RangeError, `a norm of ${maxNorm}, must be above 0`);
  }
});
