import type { Graph } from "../../graph/graph.ts";
import { defineKernel, otherFlops } from "../../graph/kernel.ts";
import { DeviceStorage, Tensor } from "../../graph/tensor.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/**
 * told = schedule, but for the numbers that count updates: where clip[1] is not 0, each becomes keep · count + add of its
 * place in `state`, and is kept there. Where clip[1] is 0, which stands for no update, none is changed.
 * schedule, told: (S); rates: (S, 2) = keep and add, both 0 for a number that counts nothing; clip: (2); state: (N), read
 * and written from `first` on, one place for each number that counts. In `kernels/wgsl` alone: only f16 skips updates.
 */
export const advanceSchedule = defineKernel({
  name: "advance_schedule",
  inputs: ["clip", "schedule", "rates"],
  outputs: ["state", "told"],
  constants: { S: "u32", N: "u32", first: "u32" },
  writes: { state: "updated" },
  sizes: ({ S, N }) => ({ clip: 2, schedule: S, rates: 2 * S, state: N, told: S }),
  flops: ({ S }) => otherFlops(2 * S),
});

/** How many of an optimizer's numbers count updates. */
export function countsOf(entries: readonly ScheduleEntry[]): number {
  return entries.filter(({ counts }) => counts).length;
}

/** What each number does at an update: `rates`, row by row. */
export function ratesOf(entries: readonly ScheduleEntry[]): number[] {
  return entries.flatMap(({ counts }) => counts ? [counts.keep, counts.add] : [0, 0]);
}

/** The same as an array that programs read. */
export function ratesTensor(entries: readonly ScheduleEntry[]): Tensor {
  const rates = ratesOf(entries);
  const storage = new DeviceStorage("rates of a schedule", 4 * rates.length, () => Float32Array.from(rates));
  return new Tensor(storage.name, [entries.length, 2], { placement: { storage, byteOffset: 0 } });
}

/**
 * Appends the advance of one optimizer's schedule.
 * @returns (S): what the optimizer is to be told.
 */
export function appendAdvance(
  graph: Graph,
  inputs: { readonly clip: Tensor; readonly schedule: Tensor; readonly rates: Tensor },
  state: Tensor,
  first: number,
): Tensor {
  const told = new Tensor("schedule of updates made", inputs.schedule.shape);
  const constants = { S: inputs.schedule.size, N: state.size, first };
  graph.call(advanceSchedule, { inputs, outputs: { state, told }, constants });
  return told;
}
