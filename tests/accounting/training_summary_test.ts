import { assertEquals, assertStringIncludes } from "@std/assert";
import { opFlops } from "../../lib/accounting/flops.ts";
import { countProgram, programMemory } from "../../lib/accounting/program.ts";
import {
  formatMeasurement,
  formatPrediction,
  measureTraining,
  predictTraining,
} from "../../lib/accounting/training_summary.ts";
import { trainingProgram } from "./programs.ts";

const SHAPE = { vocabSize: 300, contextLength: 24, dModel: 20, numLayers: 3, numHeads: 2, dFf: 52 };

Deno.test("what is predicted for a run is what its program does", async () => {
  const program = await trainingProgram(SHAPE, 4);
  const predicted = predictTraining(SHAPE, { batchSize: 4 });
  const run = { program, parameters: predicted.parameters, tokensPerStep: 96, tokensPerSecond: 1000 };
  const measured = measureTraining({ ...run, peak: 1e9 });
  assertEquals(measured.forwardFlops, predicted.forwardFlops);
  assertEquals(measured.backwardFlops, predicted.backwardFlops);
  assertEquals(measured.forwardFlops * 96, opFlops(SHAPE, { batchSize: 4 }).reduce((sum, op) => sum + op.forward, 0));
  assertEquals(measured.otherFlops, countProgram(program).other / 96);
  assertEquals(measured.memory, programMemory(program));
  assertEquals(measured.flopsPerSecond, 3 * measured.forwardFlops * 1000);
  assertEquals(measured.mfu, measured.flopsPerSecond / 1e9);
  // A peak that is exceeded is wrong.
  assertEquals(measureTraining({ ...run, peak: measured.flopsPerSecond / 4.81 }).mfu, undefined);
  assertEquals(measureTraining(run).mfu, undefined);
});

Deno.test("prediction and measurement are printed side by side, with their difference", async () => {
  const predicted = predictTraining(SHAPE, { batchSize: 4 });
  assertStringIncludes(formatPrediction(predicted), `${predicted.parameters.toLocaleString("en-US")} parameters`);
  const program = await trainingProgram(SHAPE, 4);
  const unknown = { kernel: { name: "conv_forward", constants: {} }, constants: [] };
  const storages = [...program.storages, { name: "more", bytes: 10 * predicted.memory.total }];
  const measured = measureTraining({
    program: { calls: [...program.calls, unknown], scratch: program.scratch, storages },
    parameters: predicted.parameters,
    tokensPerStep: 96,
    tokensPerSecond: 12_345,
    peak: 1e12,
  });
  const [, , parameters, memory, , forward] = formatMeasurement(predicted, measured).split("\n");
  assertEquals(parameters.split(/ {2,}/).at(-1), "equal");
  assertEquals(memory.split(/ {2,}/).at(-1)?.startsWith("+100"), true, memory);
  assertEquals(forward.split(/ {2,}/).at(-1), "equal");
  const text = formatMeasurement(predicted, measured);
  for (const part of ["12,345 tokens/s", "% MFU", "kernels not counted: conv_forward"]) {
    assertStringIncludes(text, part);
  }
});
