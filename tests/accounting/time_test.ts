import { assertEquals, assertThrows } from "@std/assert";
import { DEVICES } from "../../lib/accounting/devices.ts";
import { peakFlops } from "../../lib/accounting/precision.ts";
import {
  durationOf,
  energyKwh,
  modelFlopsUtilisation,
  optimalTokens,
  stepFlops,
  timeFor,
} from "../../lib/accounting/time.ts";
import { XL } from "./shapes.ts";

const STEPS = 400_000;
const BATCH = 1024;

Deno.test("training GPT-2 XL for 400,000 steps at batch 1,024 on one A100 at 50 % MFU takes 18 years, or 14 without gates", () => {
  // By hand: 3 · 4.5133 TFLOP · 1,024 and 15 · 2.127 G a step; 3.5067 TFLOP and 1.6355 G with two matrices.
  const forward = { swiglu: 4_513_336_524_800, silu: 3_506_703_564_800 };
  const parameters = { swiglu: 2_127_057_600, silu: 1_635_537_600 };
  const expected = { swiglu: [158_006, 6584, 18.0], silu: [122_765, 5115, 14.0] };
  for (const ffn of ["swiglu", "silu"] as const) {
    const step = stepFlops({ ...XL, ffn }, { batchSize: BATCH });
    assertEquals(step.total, 3 * forward[ffn] * BATCH + 15 * parameters[ffn]);
    const { seconds, hours, days, years } = timeFor(STEPS * step.total, 19.5e12, 0.5);
    assertEquals(seconds, STEPS * step.total / 9.75e12);
    assertEquals([Math.round(hours), Math.round(days), Number(years.toFixed(1))], expected[ffn]);
  }
});

Deno.test("checkpointing adds the layers' forward pass, not the head's", () => {
  const { recompute, forward, total, backward, optimizer } = stepFlops(XL, { checkpointing: true });
  assertEquals(recompute, forward - 2 * 1024 * 1600 * 50_257);
  assertEquals(total, forward + backward + recompute + optimizer);
});

Deno.test("durations, energy, MFU and tokens convert as defined", () => {
  const year = durationOf(365.25 * 86_400);
  assertEquals([year.days, year.hours, year.years], [365.25, 8766, 1]);
  assertEquals(energyKwh(durationOf(7200), 400), 0.8);
  assertEquals(modelFlopsUtilisation(6e9, 1000, 12e12), 0.5);
  assertEquals(optimalTokens(70e9), 1.4e12);
});

Deno.test("timeFor refuses a peak or MFU that cannot be", () => {
  for (const mfu of [0, -1, 1.01, NaN]) assertThrows(() => timeFor(1, 1, mfu), RangeError, `got MFU ${mfu}`);
  for (const peak of [0, NaN]) assertThrows(() => timeFor(1, peak, 0.5), RangeError, `got a peak of ${peak}`);
});

/** Float32 units, boost clock in GHz: 2 FLOPs (one fused multiply-add) per unit and clock. */
const UNITS: Readonly<Record<keyof typeof DEVICES, readonly [units: number, gigahertz: number]>> = {
  a100: [6912, 1.41],
  h100: [16_896, 1.98],
  "h100-pcie": [14_592, 1.755],
  h200: [16_896, 1.98],
  v100: [5120, 1.53],
  t4: [2560, 1.59],
  l4: [7424, 2.04],
  l40s: [18_176, 2.52],
  "rtx-3090": [10_496, 1.695],
  "rtx-4090": [16_384, 2.52],
  // Each unit does two packed multiply-adds a clock.
  mi300x: [2 * 19_456, 2.1],
};

Deno.test("each device's float32 peak is its units times its clock", () => {
  for (const [name, device] of Object.entries(DEVICES)) {
    const [units, gigahertz] = UNITS[name as keyof typeof DEVICES];
    const expected = 2 * units * gigahertz * 1e9;
    // Datasheets round to two or three digits.
    const difference = Math.abs(device.peakF32 - expected) / expected;
    assertEquals(difference <= 0.01, true, `${name}: ${device.peakF32} is not ${expected}`);
    assertEquals(device.peakF16 > device.peakF32 && device.source !== "", true, name);
  }
});

Deno.test("peakFlops uses tensor cores for 16 bits, and refuses bfloat16 where there is none", () => {
  assertEquals(peakFlops(DEVICES.a100, "f32"), 19.5e12);
  assertEquals(peakFlops(DEVICES.a100, "mixed-bf16"), 312e12);
  assertEquals(peakFlops(DEVICES.t4, "f16"), 65e12);
  assertThrows(() => peakFlops(DEVICES.t4, "bf16"), RangeError, "Cannot use bf16 on NVIDIA T4: got a device without");
});
