// Sampling at the ends of what options and logits can be: always a token that may be drawn, or an error that says why not.
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Continuation } from "../../lib/generate/continuation.ts";
import { DrawableIds } from "../../lib/generate/drawable_ids.ts";
import {
  encodeSampling,
  NoTokenError,
  penalizeRepetition,
  sampleToken,
  type SamplingOptions,
  validateSampling,
} from "../../lib/generate/sampling.ts";

/** Numbers of every size, and those that are none. */
const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(0, 1, 5e-324, 1e-300, 1e-6, 1e6, 1e300, Number.MAX_VALUE, 1 - 2 ** -53, 1 + 2 ** -52, 0.5, 2),
);
const anyLogit = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45),
).map(Math.fround);
const uniform = fc.oneof(
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  fc.constantFrom(0, 1 - 2 ** -53),
);
const options: fc.Arbitrary<SamplingOptions> = fc.record({
  temperature: anyNumber,
  topP: fc.oneof(anyNumber, fc.constant(1)),
  topK: fc.option(fc.oneof(anyNumber, fc.nat(60)), { nil: undefined }),
  minP: fc.option(anyNumber, { nil: undefined }),
  repetitionPenalty: fc.option(anyNumber, { nil: undefined }),
});

Deno.test("whatever the options, a token that may be drawn is drawn, or a RangeError names one", () => {
  let drawn = 0;
  fc.assert(
    fc.property(
      fc.array(anyLogit, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(39), { maxLength: 10 }),
      fc.nat(),
      options,
      uniform,
      (values, context, mask, options, uniform) => {
        try {
          validateSampling(options);
        } catch (error) {
          assert(error instanceof RangeError, String(error));
          assert(/^Cannot sample: got \w+ \S+, must be /.test(error.message), error.message);
          return;
        }
        drawn++;
        const isDrawable = (id: number) => id === 0 || (mask >> id % 31 & 1) === 0;
        const logits = Float32Array.from(values);
        penalizeRepetition(logits, context.map((id) => id % values.length), options.repetitionPenalty ?? 1);
        new DrawableIds(values.length, isDrawable).mask(logits);
        const id = sampleToken(logits, options, uniform);
        assert(Number.isInteger(id) && id >= 0 && id < values.length && isDrawable(id), `got ${id}`);
        for (const number of encodeSampling(options)) {
          assert(Number.isFinite(Math.fround(number)), `${JSON.stringify(options)}: ${encodeSampling(options)}`);
        }
        assertEquals(Math.fround(encodeSampling(options)[0]) === 0, options.temperature === 0);
      },
    ),
    { seed: 5, numRuns: 20_000 },
  );
  assert(drawn > 500, `only ${drawn} options were valid`);
});

Deno.test("a penalty that no logit survives is refused", () => {
  for (const repetitionPenalty of [1e-300, 1e300, 0, -1, NaN, Infinity]) {
    assertThrows(
      () => validateSampling({ temperature: 1, topP: 1, repetitionPenalty }),
      RangeError,
      `got repetitionPenalty ${repetitionPenalty}, must be from`,
    );
  }
});

Deno.test("logits that are NaN or infinite are refused at any temperature, wherever they stand", () => {
  for (const bad of [NaN, Infinity]) {
    for (const at of [0, 3, 6]) {
      for (
        const chain of [{ temperature: 0, topP: 1 }, { temperature: 1, topP: 1 }, {
          temperature: 1,
          topP: 0.5,
          topK: 2,
        }]
      ) {
        const logits = Float32Array.of(1, 2, 3, 4, 3, 2, 1);
        logits[at] = bad;
        const error = assertThrows(() => sampleToken(logits, chain, 0.3), NoTokenError);
        assert(error.message.includes("NaN"), error.message);
      }
    }
  }
  const none = new Float32Array(4).fill(-Infinity);
  assertThrows(() => sampleToken(none, { temperature: 1, topP: 1 }, 0), NoTokenError);
});

Deno.test("a token that a device did not find is refused as the host refuses, unless the text is over", () => {
  const text = (stopIds: number[]) => new Continuation([1], 8, { temperature: 1, topP: 1, maxTokens: 5, stopIds }, 0);
  assertThrows(() => text([]).take(0xffffffff), NoTokenError);
  const ended = text([2]);
  assertEquals(ended.take(2), false);
  assertEquals(ended.take(0xffffffff), false);
});
