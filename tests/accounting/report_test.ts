import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { compareForward, flopsBars, formatComparison, memoryBars } from "../../lib/accounting/compare.ts";
import { forwardFlops } from "../../lib/accounting/flops.ts";
import { trainingMemory } from "../../lib/accounting/memory.ts";
import { account } from "../../lib/accounting/report.ts";
import { formatAccount } from "../../lib/accounting/report_text.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import {
  formatAmount,
  formatBinary,
  formatCount,
  formatDuration,
  formatShare,
  formatSi,
} from "../../lib/accounting/units.ts";
import { LARGE, MEDIUM, SMALL, XL } from "./shapes.ts";

Deno.test("units are chosen for reading", () => {
  const cases: [string, string][] = [
    [formatSi(0, "B"), "0 B"],
    [formatSi(7, "B"), "7 B"],
    [formatSi(0.25, "s"), "0.250 s"],
    [formatSi(999, "B"), "999 B"],
    [formatSi(999.6, "B"), "1.00 kB"],
    [formatSi(999_499, "B"), "999 kB"],
    [formatSi(999_600, "B"), "1.00 MB"],
    [formatSi(4.5133e12, "FLOP"), "4.51 TFLOP"],
    [formatBinary(1023), "1,023 B"],
    [formatBinary(1024), "1.00 KiB"],
    [formatBinary(2 ** 30), "1.00 GiB"],
    [formatAmount(2.127e9), "2.13 B"],
    [formatAmount(50), "50"],
    [formatCount(2_127_057_600), "2,127,057,600"],
    [formatShare(0.226149), "22.61 %"],
    [formatDuration(5.69e8), "18.0 years"],
    [formatDuration(86_400), "24.0 hours"],
    [formatDuration(119), "119 s"],
    [formatDuration(121), "2.02 minutes"],
    [formatDuration(1.084), "1.08 s"],
    [formatDuration(999.7 * 365.25 * 86_400), "1,000 years"],
    [formatDuration(0.0042), "4.20 ms"],
  ];
  for (const [got, expected] of cases) assertEquals(got, expected);
});

Deno.test("formatTable lines words up to the left and numbers to the right, whatever the marks", () => {
  assertEquals(
    formatTable(["op", "m̂", "why"], [["add", "1", "a"], ["multiply", "1,000", "bc"]], [2]),
    ["op            m̂  why", "────────  ─────  ───", "add           1  a", "multiply  1,000  bc"].join("\n"),
  );
});

Deno.test("an account adds up, and says the same as its parts", () => {
  const result = account({ name: "gpt2-xl", shape: XL, batchSize: 4, steps: 10, attention: "flash", causal: "half" });
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  assertEquals(sum(result.parameters.items.map((item) => item.count)), result.parameters.total);
  assertEquals(sum(result.ops.map((op) => op.forward)), result.forward.total);
  assertEquals(result.forward.total, forwardFlops(XL, { batchSize: 4, causal: "half" }).total);
  assertEquals(result.step.forward + result.step.backward + result.step.optimizer, result.step.total);
  assertEquals(result.memory.total, trainingMemory(XL, { batchSize: 4, attention: "flash" }).total);
  assertEquals(result.training.tokens, 10 * 4 * 1024);
  assertEquals(result.training.flops, 10 * result.step.total);
  assertEquals(result.training.time.seconds, result.training.flops / (0.5 * 19.5e12));
  assertEquals(JSON.parse(JSON.stringify(result)), result);
});

Deno.test("an account's tokens default to 20 per parameter", () => {
  const { training, parameters } = account({ name: "small", shape: SMALL, batchSize: 8 });
  assertEquals(training.tokens, 20 * parameters.total);
  assertEquals(training.steps, training.tokens / (8 * 1024));
});

Deno.test("an account refuses what cannot work", () => {
  assertThrows(() => account({ name: "x", shape: { ...XL, numHeads: 7 } }), RangeError, "must be divisible by 7 heads");
  assertThrows(() => account({ name: "x", shape: XL, batchSize: 0 }), RangeError, "got batchSize 0");
  assertThrows(() => account({ name: "x", shape: XL, tokens: NaN }), RangeError, "got tokens NaN");
  assertThrows(() => account({ name: "x", shape: XL, device: "t4", precision: "bf16" }), RangeError, "Cannot use bf16");
});

Deno.test("an account reads well: its numbers, its notes, no line overlong", () => {
  const text = formatAccount(account({ name: "gpt2-xl", shape: XL, batchSize: 1024, steps: 400_000 }));
  for (const part of ["2,127,057,600", "8.51 GB = 7.92 GiB", "18.0 years", "512 micro-batches"]) {
    assertStringIncludes(text, part);
  }
  for (const line of text.split("\n")) assert(line.length <= 160 && line === line.trimEnd(), line);
  assertStringIncludes(
    formatAccount(account({ name: "xl", shape: { ...XL, contextLength: 65_536 }, checkpointing: true })),
    "not even one sequence fits",
  );
});

Deno.test("compared models keep their order; the bars' parts add up to the whole", () => {
  const models = [SMALL, MEDIUM, LARGE, XL].map((shape, i) => ({ name: `size ${i}`, shape }));
  const lines = formatComparison(compareForward(models)).split("\n").slice(2);
  assertEquals(lines.map((line) => line.slice(0, 6)), models.map((model) => model.name));
  assertStringIncludes(lines[3], "4.51 TFLOP");
  const whole = (bar: { parts: readonly { value: number }[] }) => bar.parts.reduce((sum, { value }) => sum + value, 0);
  assertEquals(flopsBars(models).bars.map(whole), models.map(({ shape }) => forwardFlops(shape).total));
  for (const options of [{}, { attention: "flash" }, { checkpointing: true, precision: "mixed-bf16" }] as const) {
    const expected = models.map(({ shape }) => trainingMemory(shape, options).total);
    assertEquals(memoryBars(models, options).bars.map(whole), expected);
  }
});
