import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { wgslKernels } from "../../kernels/wgsl/mod.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { encodeSampling, penalizeRepetition, sampleToken, type SamplingOptions } from "../../lib/generate/sampling.ts";
import { sampleTokens, SAMPLING_OPTIONS } from "../../lib/ops/sample_token.ts";
import { gpuTest, openGpu } from "../harness/gpu.ts";
import { GraphRun } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";
import { ROUGHNESS, withRoughMath } from "../harness/rough_math.ts";
import { withSmallDispatches } from "../harness/small_dispatches.ts";
import { chooseToken, sureChoice } from "../reference/sample_token.ts";

const CONTEXT = 11;

/** A program that chooses for some lanes, as a function. */
async function loadSampler(backend: Backend, lanes: number, vocabSize: number) {
  const run = await GraphRun.load(backend, (trace) => {
    const start = trace.input("start", [1], new Uint32Array(1));
    const uniforms = trace.input("uniforms", [lanes], new Float32Array(lanes));
    const options = trace.input("options", [SAMPLING_OPTIONS.length], new Float32Array(SAMPLING_OPTIONS.length));
    const words = Math.ceil(vocabSize / 32);
    const drawable = trace.input("drawable", [words], new Uint32Array(words).fill(0xffffffff));
    const logits = trace.input("logits", [lanes, vocabSize], new Float32Array(lanes * vocabSize));
    const ids = trace.state("ids", [lanes, 1], new Uint32Array(lanes));
    const context = trace.state("context", [lanes, CONTEXT], new Uint32Array(lanes * CONTEXT));
    sampleTokens(trace.graph, logits, { start, uniforms, options, drawable }, { ids, context });
    return { ids, context };
  });
  return async (logits: Float32Array, context: Uint32Array, options: SamplingOptions, uniforms: Float32Array) => {
    const start = context.length / lanes - 1;
    const rows = new Uint32Array(lanes * CONTEXT).fill(vocabSize - 1);
    for (let b = 0; b < lanes; b++) rows.set(context.subarray(b * (start + 1), (b + 1) * (start + 1)), b * CONTEXT);
    const results = await run.run(undefined, {
      start: Uint32Array.of(start),
      uniforms,
      options: Float32Array.from(encodeSampling(options)),
      logits,
      context: rows,
    });
    const ids = bitsOf(results.ids);
    const expected = rows.slice();
    ids.forEach((id, b) => expected[b * CONTEXT + start + 1] = id);
    assertEquals(bitsOf(results.context), expected, "the chosen tokens follow the contexts, which stay");
    return ids;
  };
}

function bitsOf(array: Float32Array | Float64Array): Uint32Array {
  return new Uint32Array(array.buffer, array.byteOffset, array.length);
}

const optionsArbitrary = fc.record({
  temperature: fc.constantFrom(0, 1e-40, 0.3, 0.8, 1, 1.7, 1e9),
  topP: fc.oneof(fc.constant(1), fc.double({ min: 1e-3, max: 1, noNaN: true }), fc.constantFrom(0.95, 1e-50)),
  topK: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
  minP: fc.oneof(fc.constant(0), fc.constantFrom(1, 0.05), fc.double({ min: 0, max: 1, noNaN: true })),
  // Scores that a penalty changes must not come to lie on others.
  repetitionPenalty: fc.constantFrom(1, 1.2345, 0.71828),
});

/** Logits of one lane: all different, or with many that are equal, or all equal. */
function makeLogits(random: Random, vocabSize: number): Float32Array {
  const spread = [0, 1, 4, 12][random.integer(0, 4)];
  const isCoarse = random.integer(0, 2) === 0;
  return random.normal(vocabSize, spread).map((x) => isCoarse ? Math.round(x * 2) / 2 : x);
}

/** Compares choices with the oracle's, and the oracle's with the host's, for many options, logits and contexts. */
async function assertChooses(backend: Backend, vocabSize: number, numRuns: number): Promise<void> {
  const lanes = 23;
  const sample = await loadSampler(backend, lanes, vocabSize);
  let sure = 0;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      optionsArbitrary,
      fc.nat(),
      fc.integer({ min: 1, max: CONTEXT - 1 }),
      async (options, seed, n) => {
        const random = new Random(seed);
        const rows = Array.from({ length: lanes }, () => makeLogits(random, vocabSize));
        const contexts = rows.map(() => [...random.integers(n, vocabSize)]);
        const uniforms = Float32Array.from(rows, (_, b) => b === 0 ? 0 : b === 1 ? 1 - 2 ** -24 : random.next());
        const logits = Float32Array.from(rows.flatMap((row) => [...row]));
        const ids = await sample(logits, Uint32Array.from(contexts.flat()), options, uniforms);
        runs++;
        for (const [b, row] of rows.entries()) {
          const expected = sureChoice(row, contexts[b], options, uniforms[b]);
          if (expected === undefined) continue;
          sure++;
          assertEquals(ids[b], expected, `lane ${b}, uniform ${uniforms[b]}, logits ${row}, context ${contexts[b]}`);
          // What the device is measured by is what the host does.
          const penalized = row.slice();
          penalizeRepetition(penalized, contexts[b], options.repetitionPenalty);
          assertEquals(sampleToken(penalized, options, uniforms[b]), expected);
        }
      },
    ),
    { seed: 12, numRuns },
  );
  assert(sure > 0.9 * runs * lanes, `rounding may decide all but ${sure} of ${runs * lanes} choices`);
}

for (const vocabSize of [1, 2, 17, 64, 257, 1500]) {
  gpuTest(`sampleTokens chooses as sorting in float64 does, of ${vocabSize} tokens`, async () => {
    await using backend = await openGpu();
    await assertChooses(backend, vocabSize, 25);
  });
}

for (const roughness of ROUGHNESS) {
  gpuTest(`sampleTokens chooses so with exponentials and quotients as rough as WGSL allows: ${roughness}`, async () => {
    const rough = withRoughMath(wgslKernels.get("sample_token")!, roughness, [
      ["(wanted - edge.before)", "lightest_weight"],
      ["(amount - place.before)", "weight(score_of(drawn))"],
    ]);
    await using backend = await createWebGpuBackend({ kernels: new Map([["sample_token", rough]]) });
    for (const vocabSize of [17, 257]) await assertChooses(backend, vocabSize, 25);
  });
}

gpuTest("a random number that rounds to 1 takes the last token of the walk", async () => {
  await using backend = await openGpu();
  const sample = await loadSampler(backend, 1, 1000);
  const last = async (logits: Float32Array, options: SamplingOptions) =>
    (await sample(logits, Uint32Array.of(0), options, Float32Array.of(1)))[0];
  const equal = new Float32Array(1000);
  const few = equal.map((_, id) => id < 3 ? 0 : -200);
  assertEquals(await last(equal, { temperature: 1, topP: 1 }), 999);
  assertEquals(await last(equal, { temperature: 1, topP: 0.5 }), 499);
  assertEquals(await last(equal, { temperature: 1, topP: 0.5, topK: 40 }), 19);
  assertEquals(await last(few, { temperature: 1, topP: 1 }), 2);
  assertEquals(await last(few, { temperature: 1, topP: 0.9 }), 2);
});

gpuTest("sampleTokens takes more lanes than workgroups fit one dimension", async () => {
  await using backend = await withSmallDispatches(openGpu);
  const [lanes, vocabSize] = [300, 5];
  const sample = await loadSampler(backend, lanes, vocabSize);
  const random = new Random(3);
  const logits = random.normal(lanes * vocabSize);
  const options = { temperature: 0, topP: 1 };
  const ids = await sample(logits, new Uint32Array(lanes), options, new Float32Array(lanes));
  const expected = Array.from(
    { length: lanes },
    (_, b) => chooseToken(logits.subarray(b * vocabSize, (b + 1) * vocabSize), [], options, 0),
  );
  assertEquals([...ids], expected);
});

Deno.test("sampleTokens refuses what does not fit", () => {
  const u32 = { dtype: "u32" } as const;
  const logits = new Tensor("logits", [2, 5]);
  const inputs = {
    start: new Tensor("start", [1], u32),
    uniforms: new Tensor("uniforms", [2]),
    options: new Tensor("options", [SAMPLING_OPTIONS.length]),
    drawable: new Tensor("drawable", [1], u32),
  };
  const tokens = { ids: new Tensor("ids", [2, 1], u32), context: new Tensor("context", [2, 9], u32) };
  const refuse = (changed: Partial<typeof inputs & typeof tokens>, type: typeof RangeError, message: string) =>
    assertThrows(
      () => sampleTokens(new Graph(), logits, { ...inputs, ...changed }, { ...tokens, ...changed }),
      type,
      message,
    );
  refuse({ uniforms: new Tensor("uniforms", [1]) }, RangeError, "must have shape (2)");
  refuse({ options: new Tensor("options", [3]) }, RangeError, "must have shape (6)");
  refuse({ ids: new Tensor("ids", [1, 1], u32) }, RangeError, "must have shape (2, 1)");
  refuse({ context: new Tensor("context", [3, 9], u32) }, RangeError, "must have shape (2, 9)");
  refuse({ ids: new Tensor("ids", [2, 1]) }, TypeError, "must be u32");
});
