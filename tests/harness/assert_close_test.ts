import { AssertionError, assertThrows } from "@std/assert";
import { assertClose } from "./assert_close.ts";

const fails = (
  actual: number[],
  expected: number[],
  tolerance: { absolute?: number; relative?: number },
  message = "",
) => assertThrows(() => assertClose(actual, expected, tolerance, "x"), AssertionError, message);

Deno.test("assertClose() accepts differences up to the tolerance", () => {
  assertClose([1, 2, -4], [1, 2.5, -5], { absolute: 0.25, relative: 0.15 });
  assertClose([Infinity, 0], [Infinity, -0], {});
  assertClose([], [], {});
});

Deno.test("assertClose() names the worst element, both values, the tolerance and the count", () => {
  const message = "x: 2 of 4 elements differ; worst at 3: got 7, expected 4, difference 3, tolerance 0.5";
  fails([1, 3, 3, 7], [1, 2, 3, 4], { absolute: 0.5 }, message);
});

Deno.test("assertClose() fails on NaN, on a lone infinity, and on another length", () => {
  const loose = { absolute: 1e9, relative: 1 };
  fails([NaN], [1], loose);
  fails([1], [NaN], loose);
  fails([NaN], [NaN], loose);
  fails([1], [Infinity], loose);
  fails([Infinity], [1], loose);
  fails([-Infinity], [Infinity], loose);
  fails([1], [1, 2], loose, "got 1 elements, expected 2");
  fails([1, NaN, 9], [1, 1, 1], { absolute: 0.1 }, "worst at 1: got NaN");
});
