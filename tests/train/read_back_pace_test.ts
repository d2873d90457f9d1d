import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReadBackPace } from "../../lib/train/read_back_pace.ts";

Deno.test("a steady device is soon left to itself for the time that was asked for, and never for longer", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 5000, noNaN: true }), fc.integer({ min: 1, max: 300 }), (ms, most) => {
      const pace = new ReadBackPace(1000, most);
      for (let i = 0; i < 10; i++) {
        assert(pace.steps === 1 || pace.steps * ms <= 1000 * (1 + 1e-9), `${pace.steps} steps of ${ms} ms`);
        pace.took(pace.steps, pace.steps * ms);
      }
      assertEquals(pace.steps, Math.max(1, Math.min(most, Math.floor(1000 / ms + 1e-9))));
    }),
  );
});

Deno.test("no time asked for, a first step that took long, or an interval that was cut short, keep steps few", () => {
  const each = new ReadBackPace(0, 256);
  each.took(1, 0);
  assertEquals(each.steps, 1);
  const slowStart = new ReadBackPace(1000, 256);
  slowStart.took(1, 30_000);
  assertEquals(slowStart.steps, 1);
  slowStart.took(1, 1);
  assertEquals(slowStart.steps, 4);
  const cut = new ReadBackPace(1000, 256);
  for (let i = 0; i < 5; i++) cut.took(cut.steps, 10 * cut.steps);
  assertEquals(cut.steps, 100);
  cut.took(1, 10);
  assertEquals(cut.steps, 100);
});
