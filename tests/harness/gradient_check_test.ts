import { AssertionError, assertThrows } from "@std/assert";
import { assertGradient, differentiate } from "./gradient_check.ts";
import { Random } from "./random.ts";

// f(x) = Σ wᵢ sin(xᵢ) + x₀ x₁, whose gradient is known.
const random = new Random(5);
const weights = Float64Array.from(random.normal(50));
const x = Float64Array.from(random.normal(50));
const f = (x: Float64Array) => Promise.resolve(x.reduce((sum, xi, i) => sum + weights[i] * Math.sin(xi), x[0] * x[1]));
const gradient = x.map((xi, i) => weights[i] * Math.cos(xi) + (i === 0 ? x[1] : i === 1 ? x[0] : 0));

Deno.test("assertGradient() accepts a right gradient", async () => {
  assertGradient(gradient, await differentiate(f, x, 1), "f");
});

Deno.test("assertGradient() rejects a gradient that is 0.05 % off, in all elements or in one, or NaN", async () => {
  const derivatives = await differentiate(f, x, 1);
  const largest = gradient.reduce((best, value, i) => Math.abs(value) > Math.abs(gradient[best]) ? i : best, 0);
  const wrong = [
    gradient.map((value) => value * 1.0005),
    gradient.map((value, i) => i === largest ? value * 0.9995 : value),
    gradient.map((value, i) => i === 7 ? NaN : value),
  ];
  for (const planted of wrong) {
    assertThrows(() => assertGradient(planted, derivatives, "f"), AssertionError, "central differences");
  }
});

Deno.test("assertGradient() rejects a gradient that is 0.05 % off when all of it is tiny", async () => {
  const derivatives = await differentiate(async (x) => 1e-9 * await f(x), x, 1);
  assertGradient(gradient.map((value) => 1e-9 * value), derivatives, "f");
  const planted = gradient.map((value) => 1e-9 * 1.0005 * value);
  assertThrows(() => assertGradient(planted, derivatives, "f"), AssertionError, "central differences");
});
