import { assertEquals, assertMatch } from "@std/assert";
import { exceededLimits, shareOfRoofline } from "../../lib/accounting/limits_exceeded.ts";
import { formatShare } from "../../lib/accounting/units.ts";

const LIMITS = { peak: 5.77e12, peakSource: "a try", bandwidth: 26.9e9, bandwidthSource: "reading a bit" };

Deno.test("no share is above one of a peak, nor does memory do twice what it can", () => {
  assertEquals(shareOfRoofline({ flops: 5.77e12, bytes: 8, seconds: 2 }, LIMITS), 0.5);
  assertEquals(shareOfRoofline({ flops: 33e12, bytes: 8, seconds: 1 }, LIMITS), undefined);
  // What fits into caches may come from there.
  assertEquals(shareOfRoofline({ flops: 1, bytes: 26.9e6, seconds: 0.5e-3 }, LIMITS), 2);
  assertEquals(shareOfRoofline({ flops: 1, bytes: 26.9e9, seconds: 0.4 }, LIMITS), undefined);
  assertEquals(formatShare(undefined), "?");
});

Deno.test("a limit that was measured too low is told with both numbers, and by the fastest of what shows it", () => {
  const right = { name: "a slow one", flops: 1e12, bytes: 1e9, seconds: 1 };
  assertEquals(exceededLimits([right], LIMITS), []);
  const lines = exceededLimits([
    right,
    { name: "linear_forward", flops: 30e12, bytes: 1e9, seconds: 1 },
    { name: "linear_backward_input", flops: 66e12, bytes: 8e9, seconds: 2 },
    { name: "copy", flops: 0, bytes: 6e9, seconds: 2e-3 },
  ], LIMITS);
  assertEquals(lines.length, 2);
  assertMatch(lines[0], /^WARNING: linear_backward_input ran at 33\.0 TFLOP\/s.*peak of 5\.77 TFLOP\/s \(a try\)/);
  assertMatch(lines[1], /^WARNING: copy ran at 3\.00 TB\/s.*twice the memory's 26\.9 GB\/s \(reading a bit\)/);
});
