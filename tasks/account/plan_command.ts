// The command that trains what was planned.
import type { DevicePlan } from "../../lib/run/plan_for_device.ts";
import { startedAs } from "../cli/started_as.ts";

/** Of a terminal. */
const COLUMNS = 80;

/** The command's lines, cut where a terminal ends. */
export function trainCommand({ config: { model, training } }: DevicePlan): string[] {
  const { dModel, numLayers, numHeads, dFf, contextLength, ffn, tieEmbeddings } = model;
  const { batchSize, gradAccumulation, steps, lr } = training;
  const words = [
    `${startedAs()} train-lm`,
    "--train TRAIN.npy",
    "--valid VALID.npy",
    "--tokenizer DIR",
    "--out RUN",
    `--d-model ${dModel}`,
    `--num-layers ${numLayers}`,
    `--num-heads ${numHeads}`,
    `--d-ff ${dFf}`,
    `--context-length ${contextLength}`,
    ...(ffn === undefined || ffn === "swiglu" ? [] : [`--ffn ${ffn}`]),
    ...(tieEmbeddings ? ["--tie-embeddings"] : []),
    `--batch-size ${batchSize}`,
    ...(gradAccumulation > 1 ? [`--grad-accumulation ${gradAccumulation}`] : []),
    `--steps ${steps}`,
    `--lr ${Number(lr.toPrecision(15))}`,
  ];
  const lines = [""];
  for (const word of words) {
    const line = `${lines.at(-1)}${lines.at(-1) === "" ? "" : " "}${word}`;
    if (line.length + 4 <= COLUMNS) lines[lines.length - 1] = line;
    else lines.push(`  ${word}`);
  }
  return lines.map((line, i) => i < lines.length - 1 ? `${line} \\` : line);
}
