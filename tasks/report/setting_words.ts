// The settings of a run's configuration in words. The name in config.json is told too: it is what flags are called by.
import { formatCount } from "../../lib/accounting/units.ts";
import { isJsonObject } from "../../lib/io/json_fields.ts";
import { describeOrigin } from "../../lib/run/origin_record.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";

/** What each setting is; one that is not here has its own name. */
const WORDS: Readonly<Record<string, string>> = {
  vocabSize: "tokens in the vocabulary",
  contextLength: "tokens in a sequence",
  dModel: "width",
  numLayers: "layers",
  numHeads: "attention heads",
  dFf: "width of the feed-forward",
  ropeTheta: "base of the rotary positions",
  norm: "norm",
  normPlace: "place of the norm",
  position: "positions",
  ffn: "feed-forward",
  tieEmbeddings: "head shares the embedding",
  numKeyValueHeads: "heads of keys and values",
  headDim: "size of a head",
  normEps: "added to a norm's variance",
  bias: "biases",
  qkNorm: "norm of queries and keys",
  ropeScaling: "stretch of the rotary positions",
  rotaryDim: "rotated part of a head",
  slidingWindow: "keys that a query sees at most",
  embeddingScale: "factor of the embeddings",
  parallelBlocks: "attention and feed-forward side by side",
  batchSize: "sequences in a batch",
  gradAccumulation: "batches in a step",
  steps: "steps",
  optimizer: "optimizer",
  schedule: "learning rate's schedule",
  lr: "highest learning rate",
  minLr: "lowest learning rate",
  warmupSteps: "steps of warm-up",
  decaySteps: "steps of the last decay",
  decay: "weight decay applies to",
  weightDecay: "weight decay",
  dtype: "number format",
  clip: "largest gradient norm",
  seed: "seed",
  frozen: "parameters that stay as they are",
  validEvery: "steps between validations",
  validBatches: "batches in a validation",
  patience: "validations without a lower loss before it stops",
  saveEvery: "steps between checkpoints",
  keep: "checkpoints kept",
  sampleEvery: "steps between samples",
  samplePrompt: "prompt of the samples",
  sampleTokens: "most tokens in a sample",
};

/** Of these, 0 means that there are none. */
const NONE_AT_0 = ["clip", "sampleEvery"];

/** The settings as rows of a table, and the names of those that were given rather than derived. */
export function settingsInWords({ given = [], preset, from, model, training, data, backend }: RunConfig) {
  const rows: Record<string, string> = {
    backend,
    ...(preset !== undefined && { preset }),
    ...(from !== undefined && { "started from": describeOrigin(from) }),
  };
  for (const [part, { name, tokens }] of Object.entries(data)) {
    rows[part === "train" ? "training data" : "validation data"] = `${name} (${formatCount(tokens)} tokens)`;
  }
  const main = Object.keys(rows);
  for (const [part, settings] of Object.entries({ model, training })) {
    for (const [key, value] of Object.entries(settings)) {
      const name = Object.hasOwn(WORDS, key) ? `${WORDS[key]} (${key})` : key;
      rows[name] = formatSetting(key, value);
      if (given.includes(`${part}.${key}`)) main.push(name);
    }
  }
  return { rows, main };
}

function formatSetting(key: string, value: unknown): string {
  if (value === 0 && NONE_AT_0.includes(key)) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (value === "") return "none";
  if (isJsonObject(value)) return Object.entries(value).map(([name, part]) => `${name} ${String(part)}`).join(", ");
  // A fraction without what binary numbers add to it: 0.1 · 3e-3 is 3e-4.
  const isFraction = typeof value === "number" && !Number.isInteger(value);
  return String(isFraction ? Number(value.toPrecision(12)) : value);
}
