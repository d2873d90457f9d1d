// A model's shape, read from JSON that may come from anywhere.
import { boolean, type FieldReaders, integer, number, oneOf } from "../io/json_record.ts";
import { ARCHITECTURE_CHOICES, type ModelConfig } from "./config.ts";

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
};
