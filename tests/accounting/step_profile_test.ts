import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatProfile, labelOf, profileOf } from "../../lib/accounting/step_profile.ts";
import { profileBars } from "../../tasks/profile_step/profile_bars.ts";
import { profilePage } from "../../tasks/profile_step/profile_page.ts";
import { drawTimeBars } from "../../tasks/profile_step/time_bars.ts";
import { trainingProgram } from "./programs.ts";

const TINY = { vocabSize: 37, contextLength: 12, dModel: 16, numLayers: 3, numHeads: 2, dFf: 40 };
const LIMITS = { peak: 1e9, peakSource: "a test", bandwidth: 1e8, bandwidthSource: "a test" };

const { calls } = await trainingProgram(TINY, 2);
const seconds = calls.map((_, i) => (i % 7 + 1) * 1e-3);

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `got ${actual}, must be ${expected} ± ${tolerance}`);
}

Deno.test("a profile sums up calls of one kernel and shape, the slowest first", () => {
  const profile = profileOf(calls, seconds, LIMITS);
  assertEquals(profile.rows.reduce((sum, row) => sum + row.calls, 0), calls.length);
  assertNear(profile.seconds, seconds.reduce((sum, s) => sum + s, 0), 1e-9);
  assertNear(profile.rows.reduce((sum, row) => sum + row.timeShare, 0), 1, 1e-9);
  const times = profile.rows.map((row) => row.seconds);
  assertEquals(times, times.toSorted((a, b) => b - a));
  // Queries, keys, values and outputs of three layers.
  const square = profile.rows.find((row) => labelOf(row) === "linear_forward rows=24 I=16 O=16")!;
  assertEquals(square.calls, 12);
  assertEquals(square.flops, 12 * 2 * 24 * 16 * 16);
  const own = calls.flatMap((call, i) =>
    call.kernel.name === "linear_forward" && call.constants.join() === "24,16,16" ? [seconds[i]] : []
  );
  assertNear(square.seconds, own.reduce((sum, s) => sum + s, 0), 1e-12);
  assertNear(square.rooflineShare!, square.bytes / LIMITS.bandwidth / square.seconds, 1e-9);
  assertEquals(square.bound, "memory");
});

Deno.test("a profile needs a time for each call", () => {
  assertThrows(() => profileOf(calls, seconds.slice(1), LIMITS), RangeError, `must be ${calls.length}`);
});

Deno.test("a profile is printed as a table, drawn as SVG, and made a page", () => {
  const profile = profileOf(calls, seconds, LIMITS);
  const table = formatProfile(profile).split("\n");
  assertEquals(table.length, 2 + profile.rows.length + 1);
  assertStringIncludes(table.at(-1)!, String(calls.length));
  const svg = drawTimeBars(profile, "A step");
  assertStringIncludes(svg, 'xmlns="http://www.w3.org/2000/svg"');
  const page = profilePage(profile, { title: "A step", lines: ["one machine"] });
  assertStringIncludes(page, "<h1>A step</h1>");
  for (const drawn of [svg, page]) {
    for (const row of profile.rows.slice(0, 5)) assertStringIncludes(drawn, labelOf(row));
  }
  for (const row of profile.rows) assertStringIncludes(page, `<tr><th>${labelOf(row)}</th>`);
});

Deno.test("a profile fits the terminal: labels are cut and columns left out, which it says, until it does", () => {
  const profile = profileOf(calls, seconds, LIMITS);
  const whole = formatProfile(profile).split("\n");
  for (const columns of [200, 120, 100, 80, 60]) {
    const lines = formatProfile(profile, columns).split("\n");
    assertEquals(lines.filter((line) => line.length > columns && !line.startsWith("Not shown")), [], `${columns}`);
    const shown = ["kernel", "time", "of step", "of roofline"];
    for (const title of shown) assertStringIncludes(lines[0], title);
    // Each row is there, in its order.
    for (let i = 2; i < whole.length; i++) assertEquals(lines[i].slice(0, 20), whole[i].slice(0, 20));
    const left = lines.at(-1)!;
    const others = ["calls", "FLOPs", "bytes", "FLOP/s", "bytes/s", "bound"];
    const missing = others.filter((title) => !lines[0].split(/  +/).includes(title));
    assertEquals(missing.length > 0, left.startsWith("Not shown"), `${columns}: ${lines[0]}`);
    for (const title of missing) assertStringIncludes(left, title);
  }
});

Deno.test("a bar is as long as its time, the least that the limits allow lies in it, and small ones are one", () => {
  const row = (kernel: string, seconds: number, rooflineSeconds: number) => ({
    ...{
      kernel,
      constants: {},
      calls: 2,
      seconds,
      timeShare: seconds / 10,
      flops: 1,
      bytes: 1,
      bound: "compute" as const,
    },
    ...{ rooflineSeconds, rooflineShare: rooflineSeconds / seconds },
  });
  const rows = [row("long", 8, 2), row("short", 1.94, 3), row("tiny", 0.04, 0.01), row("tinier", 0.02, 0.02)];
  const bars = profileBars({ rows, seconds: 10, flops: 4, rooflineSeconds: 5 });
  assertEquals(bars.map(({ label }) => label), ["long × 2", "short × 2", "2 others"]);
  assertEquals(bars.map(({ taken }) => Number(taken.toFixed(6))), [1, 0.2425, 0.0075]);
  assertEquals(bars.map(({ least }) => Number(least.toFixed(6))), [0.25, 0.2425, 0.00375]);
  assertStringIncludes(bars[0].figures, "8.00 s, 80.00 % of the step, 25.00 % of the roofline");
});
