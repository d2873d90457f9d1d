import { assert, assertEquals } from "@std/assert";
import { predictTraining } from "../../lib/accounting/mod.ts";
import { PRESETS, Transformer } from "../../lib/model/mod.ts";
import { predictModel } from "../../lib/train/mod.ts";
import { GATED, Gated } from "../harness/gated_model.ts";

Deno.test("what a step of one's own architecture takes is counted from its programs", () => {
  const { width, vocabSize, contextLength, numLayers } = GATED;
  const { parameters, memory, forwardFlops } = predictModel(new Gated(GATED), { batchSize: 3 });
  assertEquals(parameters, 2 * vocabSize * width + numLayers * (width + 4 * width * width));
  assertEquals([memory.gradients, memory.optimizer], [memory.parameters, 2 * memory.parameters]);
  assert(memory.parameters >= 4 * parameters && memory.activations > 0);
  // Two for each weight of a matrix, and attention's scores and sums over the whole context.
  const linears = 2 * (numLayers * 4 * width * width + vocabSize * width);
  assertEquals(forwardFlops, linears + numLayers * 4 * contextLength * width);
});

Deno.test("what is counted of a Transformer's programs is what the formulas say", () => {
  const shape = { ...PRESETS.tiny, vocabSize: 300, numLayers: 2 };
  for (const gradAccumulation of [1, 2]) {
    const step = { batchSize: 8, gradAccumulation };
    const [counted, predicted] = [predictModel(new Transformer(shape), step), predictTraining(shape, step)];
    assertEquals(counted.parameters, predicted.parameters);
    assertEquals(counted.forwardFlops, predicted.forwardFlops);
    assertEquals(counted.backwardFlops, predicted.backwardFlops);
    for (const part of ["parameters", "gradients", "optimizer", "activations", "total"] as const) {
      const ratio = counted.memory[part] / predicted.memory[part];
      assert(ratio > 0.99 && ratio < 1.01, `${part} of the memory: ${ratio}`);
    }
  }
});
