// A model's shape, read from JSON that may come from anywhere.
import { boolean, type FieldReader, type FieldReaders, integer, number, oneOf, readFields } from "../io/json_record.ts";
import {
  ARCHITECTURE_CHOICES,
  type LinearRopeScaling,
  type Llama3RopeScaling,
  ROPE_SCALING_TYPES,
  type RopeScaling,
  type YarnRopeScaling,
} from "./architecture.ts";
import type { ModelConfig } from "./config.ts";

const SCALING_READERS: {
  readonly linear: FieldReaders<LinearRopeScaling>;
  readonly llama3: FieldReaders<Llama3RopeScaling>;
  readonly yarn: FieldReaders<YarnRopeScaling>;
} = {
  linear: { type: oneOf(["linear"]), factor: number },
  llama3: {
    type: oneOf(["llama3"]),
    factor: number,
    lowFreqFactor: number,
    highFreqFactor: number,
    originalContextLength: integer,
  },
  yarn: {
    type: oneOf(["yarn"]),
    factor: number,
    originalContextLength: integer,
    betaFast: number,
    betaSlow: number,
    attentionFactor: number,
  },
};

/** Which fields it needs, the configuration is checked for as a whole. */
const ropeScaling: FieldReader<RopeScaling> = (fields, name) => {
  const scaling = fields.object(name);
  const type = scaling.oneOf("type", ROPE_SCALING_TYPES);
  return readFields<RopeScaling>(scaling, SCALING_READERS[type] as FieldReaders<RopeScaling>) as RopeScaling;
};

/** How each field of a model's shape is read. */
export const MODEL_READERS: FieldReaders<ModelConfig> = {
  vocabSize: integer,
  contextLength: integer,
  dModel: integer,
  numLayers: integer,
  numHeads: integer,
  dFf: integer,
  ropeTheta: number,
  norm: oneOf(ARCHITECTURE_CHOICES.norm),
  normPlace: oneOf(ARCHITECTURE_CHOICES.normPlace),
  position: oneOf(ARCHITECTURE_CHOICES.position),
  ffn: oneOf(ARCHITECTURE_CHOICES.ffn),
  tieEmbeddings: boolean,
  numKeyValueHeads: integer,
  headDim: integer,
  normEps: number,
  bias: oneOf(ARCHITECTURE_CHOICES.bias),
  qkNorm: oneOf(ARCHITECTURE_CHOICES.qkNorm),
  valueEmbeddings: oneOf(ARCHITECTURE_CHOICES.valueEmbeddings),
  ropeScaling,
  rotaryDim: integer,
  slidingWindow: integer,
  embeddingScale: number,
  logitSoftCap: number,
  scaleEmbeddings: boolean,
  parallelBlocks: boolean,
};
