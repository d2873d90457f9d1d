// The tensors of another library's model: whether they are what its configuration says, and their values.
import { UserError } from "../errors.ts";
import { excerpt } from "../io/excerpt.ts";
import { shapeText } from "../formats/safetensors_header.ts";
import type { WeightSource } from "../model/weights.ts";
import { type PlacedParameter, takeParameter } from "./parameter_map.ts";

/** A tensor in one of a model's files. */
export interface ForeignTensor {
  /** The file, for messages. */
  readonly file: string;
  /** Outputs before inputs. */
  readonly shape: readonly number[];
  /** Its type, as its file calls it. */
  readonly dtype: string;
  /** Reads its values. */
  readonly read: () => Float32Array<ArrayBuffer> | Promise<Float32Array<ArrayBuffer>>;
}

/** What a set of tensors must hold. */
export interface TensorNeeds {
  /** The model, for messages. */
  readonly name: string;
  readonly placed: readonly PlacedParameter[];
  /** The types that can be read, for messages too. */
  readonly dtypes: readonly string[];
  /** Tensors that are no parameters, and may be there. */
  readonly isIgnored: (name: string) => boolean;
}

/**
 * Checks names, shapes and types before any tensor is read.
 * @throws {UserError} If a tensor is missing, has another shape or type, or is not the model's, naming the first.
 */
export function requireTensors(tensors: ReadonlyMap<string, ForeignTensor>, needs: TensorNeeds): void {
  const { name: model, placed, dtypes, isIgnored } = needs;
  const refuse = (tensor: string, file: string, got: string, mustBe: string): never => {
    throw new UserError(
      `Cannot import tensor ${excerpt(tensor)} of ${file}: got ${got}, must be ${mustBe}. ` +
        "Use the weights that belong to this configuration",
    );
  };
  const needed = new Set<string>();
  for (const { tensor, tensorShape } of placed) {
    if (needed.has(tensor)) continue;
    needed.add(tensor);
    const found = tensors.get(tensor);
    const mustBe = `of shape (${tensorShape.join(", ")})`;
    if (found === undefined) return refuse(tensor, model, "no such tensor", `one ${mustBe}`);
    if (found.shape.join() !== tensorShape.join()) {
      refuse(tensor, found.file, `shape (${shapeText(found.shape)})`, mustBe);
    }
    if (!dtypes.includes(found.dtype)) {
      refuse(tensor, found.file, `type ${excerpt(found.dtype)}`, `of type ${dtypes.join(", ")}`);
    }
  }
  for (const [tensor, { file, shape }] of tensors) {
    if (needed.has(tensor) || isIgnored(tensor)) continue;
    refuse(tensor, file, `a tensor of shape (${shapeText(shape)})`, "absent: the model has no parameter for it");
  }
}

/**
 * The parameters of a model, from tensors that were checked. Each is read when it is asked for; of a tensor that holds
 * several, the values are kept until another tensor is read.
 *
 * @throws {UserError} (from the source) If a weight is NaN or infinite.
 */
export function parametersFrom(
  tensors: ReadonlyMap<string, ForeignTensor>,
  placed: readonly PlacedParameter[],
): WeightSource {
  const places = new Map(placed.map((parameter) => [parameter.name, parameter]));
  const uses = Map.groupBy(placed, ({ tensor }) => tensor);
  let kept: { readonly tensor: string; readonly values: Float32Array<ArrayBuffer> } | undefined;
  return async (name) => {
    const place = places.get(name);
    if (place === undefined) throw new Error(`Cannot find parameter "${name}"`);
    const { tensor } = place;
    if (kept?.tensor !== tensor) {
      kept = undefined; // freed before the next is read
      const found = tensors.get(tensor)!;
      const values = await found.read();
      requireFinite(values, tensor, found.file);
      if (uses.get(tensor)!.length === 1) return takeParameter(place, values);
      kept = { tensor, values };
    }
    return takeParameter(place, kept.values);
  };
}

function requireFinite(values: Float32Array, tensor: string, file: string): void {
  // The sum of products with 0 is NaN if any value is not finite: faster than looking at each.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  if (sum === 0) return;
  throw new UserError(
    `Cannot import tensor ${
      excerpt(tensor)
    } of ${file}: got weights that are NaN or infinite, must be finite numbers. ` +
      "The file is damaged, or the training diverged",
  );
}
