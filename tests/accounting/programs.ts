import type { ModelShape } from "../../lib/accounting/shape.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import type { Precision } from "../../lib/graph/graph.ts";
import type { Program } from "../../lib/graph/program.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import type { OptimizerName } from "../../lib/train/optimizer/registry.ts";
import { PLAIN } from "../harness/capabilities.ts";

/** Plans and never runs: a program can be counted without memory for it. */
const PLANNER: Backend = {
  name: "planner",
  description: "plans only",
  capabilities: { ...PLAIN, precisions: ["f32", "f16"] },
  bytesInUse: 0,
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
  return (await plannedTrainer(shape, batchSize, { precision })).program;
}

/** The memory of all programs of one training step. */
export async function stepMemory(
  shape: ModelShape,
  batchSize: number,
  options: Parameters<typeof plannedTrainer>[2],
): Promise<number> {
  const { stepPrograms } = await plannedTrainer(shape, batchSize, options);
  const storages = new Set(stepPrograms.flatMap(({ storages }) => storages));
  return [...storages].reduce((sum, { bytes }) => sum + bytes, 0);
}

/** A trainer whose programs are planned and not run. */
export async function plannedTrainer(
  shape: ModelShape,
  batchSize: number,
  { precision, optimizer, gradAccumulation }: {
    readonly precision?: Precision;
    readonly optimizer?: OptimizerName;
    readonly gradAccumulation?: number;
  },
): Promise<Trainer> {
  return await Trainer.create(PLANNER, new Transformer({ ropeTheta: 10_000, ...shape }), {
    batchSize,
    optimizer: { optimizer, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 },
    gradAccumulation,
    precision,
    maxGradNorm: 1,
    logCapacity: 1,
  });
}
