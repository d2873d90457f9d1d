import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { dequantizeRows, type QuantizedDType, quantizeRows, wordsPerRow } from "../../lib/ops/quantize.ts";

const LARGE = Math.fround(3e38);

/** A matrix of any finite numbers that bf16 has room for, and its width. */
const matrix = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 })).chain(([rows, width]) =>
  fc.record({
    width: fc.constant(width),
    values: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -LARGE, max: LARGE }), {
      minLength: rows * width,
      maxLength: rows * width,
    }).map((values) => Float32Array.from(values)),
  })
);

function roundTrip(values: Float32Array, width: number, dtype: QuantizedDType): Float32Array {
  return dequantizeRows(quantizeRows("w", values, width, dtype), width, dtype);
}

/** Both bf16 beside a number, made by cutting off and by counting on. */
function neighbours(value: number): [number, number] {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  const number = (word: number) => new Float32Array(Uint32Array.of(word).buffer)[0];
  return [number(bits[0] & 0xffff0000), number((bits[0] & 0xffff0000) + 0x10000)];
}

Deno.test("bf16 is the nearest, and of two the even one", () => {
  fc.assert(fc.property(matrix, ({ values, width }) => {
    roundTrip(values, width, "bf16").forEach((got, i) => {
      const [below, above] = neighbours(values[i]);
      const [toBelow, toAbove] = [Math.abs(values[i] - below), Math.abs(above - values[i])];
      const isEven = (new Uint32Array(Float32Array.of(below).buffer)[0] >> 16 & 1) === 0;
      const expected = toBelow < toAbove || toBelow === toAbove && isEven ? below : above;
      assert(Object.is(got, expected), `${values[i]}: got ${got}, must be ${expected}`);
    });
  }));
  // Ties, of both kinds; one beside each.
  const ties = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1 - 3 * 2 ** -8 + 2 ** -20, -0);
  assertEquals([...roundTrip(ties, 5, "bf16")], [1, 1 + 2 ** -6, 1 + 2 ** -7, -1 - 2 ** -7, -0]);
});

Deno.test("int8 is off by half of its row's scale at most", () => {
  fc.assert(fc.property(matrix, ({ values, width }) => {
    const { scales } = quantizeRows("w", values, width, "int8");
    roundTrip(values, width, "int8").forEach((got, i) => {
      const scale = scales[Math.floor(i / width)];
      // The scale was rounded to float32, and so is the product.
      const slack = Math.abs(values[i]) * 2 ** -22 + 2 ** -149;
      assert(Math.abs(got - values[i]) <= scale / 2 + slack, `${values[i]}: got ${got}, scale ${scale}`);
    });
  }));
});

Deno.test("rows have scales of their own; what is 0 stays 0", () => {
  const values = Float32Array.of(0, 0, 0, 1, -2, 0, 1e-45, 0, 0, 1e30, -127e30, 64e30);
  const { scales } = quantizeRows("w", values, 3, "int8");
  assertEquals(scales[1], Math.fround(2 / 127));
  assertEquals(scales[3], Math.fround(1e30));
  const got = roundTrip(values, 3, "int8");
  assertEquals([...got.subarray(0, 3)], [0, 0, 0]);
  assertEquals([...got.subarray(9)].map((value) => Math.round(value / 1e30)), [1, -127, 64]);
  assertEquals([...roundTrip(values, 3, "bf16").subarray(0, 3)], [0, 0, 0]);
});

Deno.test("each row begins at a word, the first number in its lowest bits, zeros in what is left", () => {
  const values = Float32Array.of(1, -2, 3, -4, 5, 127, 0, 0, 0, 0);
  const bytes = (words: Uint32Array) => [...new Int8Array(words.buffer)];
  const small = values.map((value) => value === 127 ? 127 : value);
  small[0] = 127;
  assertEquals(bytes(quantizeRows("w", small, 5, "int8").words), [
    127,
    -2,
    3,
    -4,
    5,
    0,
    0,
    0,
    127,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const { words, scales } = quantizeRows("w", values, 5, "bf16");
  assertEquals([...words].map((word) => word.toString(16)), ["c0003f80", "c0804040", "40a0", "42fe", "0", "0"]);
  assertEquals([...scales], [1, 1]);
  assertEquals([wordsPerRow(5, 8), wordsPerRow(5, 16), wordsPerRow(4, 8)], [2, 3, 1]);
});

Deno.test("numbers that are not finite, or would not be any more, are refused by name and place", () => {
  const refuse = (dtype: QuantizedDType, value: number) =>
    assertThrows(
      () => quantizeRows("layers.0.attn.q_proj.weight", Float32Array.of(1, 2, value, 4), 2, dtype),
      UserError,
      `Cannot keep layers.0.attn.q_proj.weight in ${dtype}: got ${Math.fround(value)} at 2, must be a finite number`,
    );
  for (const value of [NaN, Infinity, -Infinity]) {
    refuse("bf16", value);
    refuse("int8", value);
  }
  // Halfway from the largest bf16 to the next power of two, and one below.
  const tie = (2 - 2 ** -8) * 2 ** 127;
  refuse("bf16", tie);
  refuse("bf16", -tie);
  const below = Float32Array.of(tie - 2 ** 104);
  assertEquals(roundTrip(below, 1, "bf16")[0], (2 - 2 ** -7) * 2 ** 127);
  quantizeRows("w", Float32Array.of(3.4e38), 1, "int8");
});
