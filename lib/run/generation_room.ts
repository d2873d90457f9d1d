// Whether a model has room to generate, before its weights are read.
import { formatBinary } from "../accounting/units.ts";
import type { Backend } from "../backend/backend.ts";
import { option, say, UserError } from "../errors.ts";
import { batchBytes, generationBytes } from "../generate/generation_memory.ts";
import { Transformer } from "../model/transformer.ts";
import { WEIGHTS_DTYPES } from "../model/weights.ts";

/**
 * Compares what continuing several texts together takes with what a backend can address.
 * @throws {UserError} If that is too little, with both numbers.
 */
export function requireRoomToBatch(backend: Backend, model: Transformer, slots: number): void {
  const { totalBytes = Infinity, description } = backend;
  const needed = batchBytes(model, slots);
  if (needed <= totalBytes) return;
  const advice = model.parameters.weightsDtype === "int8"
    ? "Use fewer slots, or a smaller model"
    : say`Use fewer slots, or ${option("weightsDtype", "int8")}`;
  throw new UserError(
    say`Cannot serve this model: got a need for ${formatBinary(needed)} of memory with ${
      option("slots", slots)
    }, must be at most the ${formatBinary(totalBytes)} that ${description} can address. ${advice}`,
  );
}

/**
 * Compares what generating one text takes with what a backend can address.
 *
 * @throws {UserError} If that is too little, with both numbers, and a format of weights that would do, if there is one.
 */
export function requireRoomToGenerate(backend: Backend, model: Transformer): void {
  const { totalBytes = Infinity, description } = backend;
  const needed = generationBytes(model);
  if (needed <= totalBytes) return;
  const { config, parameters: { weightsDtype } } = model;
  const smaller = WEIGHTS_DTYPES.slice(WEIGHTS_DTYPES.indexOf(weightsDtype) + 1).find((dtype) =>
    generationBytes(new Transformer(config, { weightsDtype: dtype })) <= totalBytes
  );
  const advice = smaller === undefined
    ? "Use a smaller model, or one of a shorter context"
    : say`Use ${option("weightsDtype", smaller)}`;
  throw new UserError(
    say`Cannot generate with this model: got a need for ${
      formatBinary(needed)
    } of memory with weights in ${weightsDtype}, must be at most the ${
      formatBinary(totalBytes)
    } that ${description} can address. ${advice}`,
  );
}
