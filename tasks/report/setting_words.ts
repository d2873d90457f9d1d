// The settings of a run's configuration in words. The name in config.json is shown too, since flags are named after it.
import { formatCount } from "../../lib/accounting/units.ts";
import { isJsonObject } from "../../lib/io/json_fields.ts";
import { describeOrigin } from "../../lib/run/origin_record.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";

/** What each setting is; one that is not here has its own name. */
const WORDS: Readonly<Record<string, string>> = {
  vocabSize: "vocabulary size",
  contextLength: "tokens per sequence",
  dModel: "width",
  numLayers: "layers",
  numHeads: "attention heads",
  dFf: "feed-forward width",
  ropeTheta: "base of the rotary embedding",
  norm: "norm",
  normPlace: "norm placement",
  position: "positions",
  ffn: "feed-forward",
  tieEmbeddings: "tied embeddings",
  numKeyValueHeads: "key and value heads",
  headDim: "head size",
  normEps: "norm epsilon",
  bias: "biases",
  qkNorm: "norm of queries and keys",
  valueEmbeddings: "layers with value embeddings",
  ropeScaling: "rotary scaling",
  rotaryDim: "rotated part of a head",
  slidingWindow: "sliding window, in tokens",
  embeddingScale: "factor of the embeddings",
  logitSoftCap: "soft cap of the logits",
  scaleEmbeddings: "embeddings scaled by √dModel",
  parallelBlocks: "attention and feed-forward in parallel",
  batchSize: "sequences per batch",
  gradAccumulation: "batches per step",
  seqLen: "tokens per sequence in training",
  steps: "steps",
  optimizer: "optimizer",
  schedule: "learning rate schedule",
  lr: "peak learning rate",
  minLr: "minimum learning rate",
  warmupSteps: "warm-up steps",
  decaySteps: "decay steps",
  decay: "weight decay applies to",
  weightDecay: "weight decay",
  momentum: "Muon's momentum",
  muonLrScale: "Muon's learning rate, as a multiple of the learning rate",
  dtype: "number format",
  dropout: "dropout",
  zLoss: "factor of the z-loss",
  clip: "gradient norm limit",
  seed: "seed",
  zeroInitOutputs: "output projections start as zeros",
  frozen: "frozen parameters",
  loraRank: "rank of the adapters",
  loraAlpha: "alpha of the adapters",
  loraTargets: "linear maps with adapters",
  validEvery: "steps between validations",
  validBatches: "batches per validation",
  averageWeights: "share of the steps that weights are averaged over",
  timeBudget: "seconds to fill",
  patience: "validations without a lower loss before stopping",
  saveEvery: "steps between checkpoints",
  keep: "checkpoints kept",
  sampleEvery: "steps between samples",
  samplePrompt: "sample prompt",
  sampleTokens: "tokens per sample",
};

/** Of these, 0 means that there are none. */
const NONE_AT_0 = ["clip", "sampleEvery"];

/** The settings as rows of a table, and the names of those that were given rather than derived. */
export function settingsInWords({ given = [], recipe, preset, from, model, training, data, backend }: RunConfig) {
  const rows: Record<string, string> = {
    backend,
    ...(recipe !== undefined && { recipe }),
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
