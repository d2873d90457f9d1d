import type { ModelShape } from "../../lib/accounting/shape.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import type { Precision } from "../../lib/graph/graph.ts";
import type { Program } from "../../lib/graph/program.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { Trainer } from "../../lib/train/trainer.ts";

/** Plans and never runs: a program can be counted without memory for it. */
const PLANNER: Backend = {
  name: "wasm",
  description: "plans only",
  load: () => Promise.resolve({ run: () => Promise.resolve() }),
  write: () => {},
  read: () => Promise.reject(new Error("Cannot read: nothing ran")),
  release: () => {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** The program of one training step, planned and not run. */
export async function trainingProgram(
  shape: ModelShape,
  batchSize: number,
  precision: Precision = "f32",
): Promise<Program> {
  const trainer = await Trainer.create(PLANNER, new Transformer({ ropeTheta: 10_000, ...shape }), {
    batchSize,
    optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 },
    precision,
    maxGradNorm: 1,
    logCapacity: 1,
  });
  return trainer.program;
}
