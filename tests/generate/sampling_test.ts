import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { penalizeRepetition, sampleToken, validateSampling } from "../../lib/generate/sampling.ts";

const logitsArbitrary = fc.float32Array({ min: -30, max: 30, noNaN: true, minLength: 1, maxLength: 50 });
const uniformArbitrary = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Probabilities at a temperature, straight from the definition. */
function softmax(logits: Float32Array, temperature: number): number[] {
  const max = Math.max(...logits);
  const weights = [...logits].map((x) => Math.exp((x - max) / temperature));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

Deno.test("sampleToken at temperature 0 takes the likeliest token", () => {
  fc.assert(
    fc.property(logitsArbitrary, uniformArbitrary, (logits, uniform) => {
      const id = sampleToken(logits, { temperature: 0, topP: 0.3 }, uniform);
      assertEquals(logits[id], Math.max(...logits));
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("sampleToken with topP 1 inverts the cumulative distribution", () => {
  fc.assert(
    fc.property(
      logitsArbitrary,
      uniformArbitrary,
      fc.double({ min: 0.1, max: 3, noNaN: true }),
      (logits, u, temperature) => {
        const id = sampleToken(logits, { temperature, topP: 1 }, u);
        const p = softmax(logits, temperature);
        const below = p.slice(0, id).reduce((a, b) => a + b, 0);
        assert(below - 1e-9 <= u && u <= below + p[id] + 1e-9, `${below} ≤ ${u} < ${below + p[id]}`);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

Deno.test("sampleToken with topP takes only tokens of the smallest set that reaches it", () => {
  fc.assert(
    fc.property(
      logitsArbitrary,
      uniformArbitrary,
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (logits, u, topP) => {
        const id = sampleToken(logits, { temperature: 1, topP }, u);
        const p = softmax(logits, 1);
        const likelier = p.filter((q) => q > p[id] * (1 + 1e-12)).reduce((a, b) => a + b, 0);
        assert(likelier < topP + 1e-9, `tokens likelier than ${id} have ${likelier}, topP is ${topP}`);
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

Deno.test("sampleToken with topK and minP takes only tokens that both leave, each as often as its share", () => {
  fc.assert(
    fc.property(
      logitsArbitrary,
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(1, 0.7),
      (logits, topK, minP, topP) => {
        const weights = softmax(logits, 1);
        const best = Math.max(...weights);
        const ranked = [...weights.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
        const kept = ranked.slice(0, topK).filter((id) => weights[id] >= minP * best);
        const total = kept.reduce((sum, id) => sum + weights[id], 0);
        let reached = 0;
        const nucleus = kept.filter((id) => (reached += weights[id]) - weights[id] < topP * total * (1 + 1e-9));
        const seen = new Set<number>();
        for (let i = 0; i < 40; i++) seen.add(sampleToken(logits, { temperature: 1, topP, topK, minP }, i / 40));
        // A weight within rounding of the bound may go either way.
        const isSure = kept.every((id) => Math.abs(weights[id] - minP * best) > 1e-12 || minP === 0 || minP === 1);
        if (isSure) { for (const id of seen) assert(nucleus.includes(id), `${id} is not one of ${nucleus}`); }
        const share = weights[nucleus[0]] / nucleus.reduce((sum, id) => sum + weights[id], 0);
        if (share > 1 / 20) assert(seen.has(nucleus[0]), `${nucleus[0]} with share ${share} was never drawn`);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});

Deno.test("the likeliest tokens are told apart at temperatures at which all weights round to 1", () => {
  const logits = Float32Array.of(1, 3, 2, 3);
  for (const temperature of [1e9, 1e20, 1e300]) {
    assertEquals(sampleToken(logits, { temperature, topP: 1, minP: 1 }, 0), 1);
    assertEquals(sampleToken(logits, { temperature, topP: 1, minP: 1 }, 0.999), 3);
    assertEquals(sampleToken(logits, { temperature, topP: 1, topK: 1 }, 0.999), 1);
    assertEquals(sampleToken(logits, { temperature, topP: 0.7 }, 0.999), 2);
    assertEquals(sampleToken(logits, { temperature, topP: 1, minP: 0.999_999 }, 0), 0);
  }
});

Deno.test("penalizeRepetition makes each token that was seen less likely, once", () => {
  const logits = Float32Array.of(2, -2, 0, 4, -4);
  penalizeRepetition(logits, [0, 1, 0, 2], 2);
  assertEquals([...logits], [1, -4, 0, 4, -4]);
});

Deno.test("validateSampling names what cannot work", () => {
  assertThrows(() => validateSampling({ temperature: -1, topP: 1 }), RangeError, "got temperature -1");
  assertThrows(() => validateSampling({ temperature: NaN, topP: 1 }), RangeError, "got temperature NaN");
  assertThrows(() => validateSampling({ temperature: 1, topP: 0 }), RangeError, "got topP 0");
  assertThrows(() => validateSampling({ temperature: 1, topP: NaN }), RangeError, "got topP NaN");
  assertThrows(() => validateSampling({ temperature: 1, topP: 1, topK: 0 }), RangeError, "got topK 0");
  assertThrows(() => validateSampling({ temperature: 1, topP: 1, minP: 2 }), RangeError, "got minP 2");
  const penalty = { temperature: 1, topP: 1, repetitionPenalty: 0 };
  assertThrows(() => validateSampling(penalty), RangeError, "got repetitionPenalty 0");
});
