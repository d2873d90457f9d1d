// How the tensors of another library hold the parameters of a Transformer: the same table reads and writes them.
import type { ModelConfig } from "../model/config.ts";
import { type ParameterSpec, parameterSpecs } from "../model/parameters.ts";
import type { RowOrder } from "./row_order.ts";

/** Where one parameter lies in another library's tensors. */
export interface PlacedParameter extends ParameterSpec {
  /** The other library's tensor. */
  readonly tensor: string;
  /** The shape of that whole tensor, as that library writes it. */
  readonly tensorShape: readonly number[];
  /** Which of the tensor's rows the parameter has, in which order. Default: all, in the same order. */
  readonly rows?: RowOrder["rows"];
  /** Whether that tensor is (in, out): then `rows` are its columns. */
  readonly transposed?: boolean;
  /** Added to what the tensor holds. Default: 0. */
  readonly offset?: number;
}

/** Where the weight and the bias of one part lie. */
export interface TensorPlace {
  /** The tensor's name without `.weight` or `.bias`; `#` stands for the layer. */
  readonly stem: string;
  /** For a tensor that holds several parameters, or holds their rows in another order. */
  readonly rows?: (config: ModelConfig) => RowOrder;
  readonly transposed?: boolean;
  readonly offset?: number;
}

/** The places of all parameters, by their names without the layer and without `.weight` or `.bias`: `attn.q_proj`. */
export type TensorPlaces = Readonly<Record<string, TensorPlace>>;

/**
 * Places every parameter of a model.
 *
 * @param positions Rows of the tensor of learned positions, of which the model uses the first ones.
 * @throws {Error} If `places` lacks one: a bug, since a family's table names all that its configurations can have.
 */
export function placeParameters(
  config: ModelConfig,
  places: TensorPlaces,
  positions: number = config.contextLength,
): PlacedParameter[] {
  return parameterSpecs(config).map((spec) => {
    const [, layer = "", stem, kind] = /^(?:layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(spec.name)!;
    if (!Object.hasOwn(places, stem)) throw new Error(`Cannot place parameter "${spec.name}": no such part`);
    const { stem: foreign, rows: rowsOf, transposed = false, offset } = places[stem];
    const order = stem === "position_embeddings"
      ? { of: positions, rows: () => Uint32Array.from({ length: config.contextLength }, (_, i) => i) }
      : rowsOf?.(config);
    const [height, ...rest] = spec.shape;
    const shape = [order?.of ?? height, ...rest];
    return {
      ...spec,
      tensor: `${foreign.replace("#", layer)}.${kind}`,
      tensorShape: transposed ? shape.toReversed() : shape,
      ...(order && { rows: order.rows }),
      ...(transposed && shape.length > 1 && { transposed }),
      ...(offset !== undefined && kind === "weight" && { offset }),
    };
  });
}

/** A parameter's values, taken from the whole tensor that holds them. */
export function takeParameter(
  { shape, tensorShape, rows: rowsOf, transposed, offset = 0 }: PlacedParameter,
  tensor: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  if (rowsOf === undefined && !transposed && offset === 0) return tensor;
  const [height, width = 1] = shape;
  const rows = rowsOf?.();
  const taken = new Float32Array(height * width);
  for (let r = 0; r < height; r++) {
    const from = rows === undefined ? r : rows[r];
    if (!transposed) taken.set(tensor.subarray(from * width, (from + 1) * width), r * width);
    else for (let c = 0; c < width; c++) taken[r * width + c] = tensor[c * tensorShape[1] + from];
  }
  if (offset !== 0) { for (let i = 0; i < taken.length; i++) taken[i] += offset; }
  return taken;
}

/** Puts a parameter's values into the whole tensor that holds them. */
export function putParameter(
  { shape, tensorShape, rows: rowsOf, transposed, offset = 0 }: PlacedParameter,
  values: Float32Array,
  tensor: Float32Array,
): void {
  const [height, width = 1] = shape;
  const rows = rowsOf?.();
  for (let r = 0; r < height; r++) {
    const to = rows === undefined ? r : rows[r];
    for (let c = 0; c < width; c++) {
      tensor[transposed ? c * tensorShape[1] + to : to * width + c] = values[r * width + c] - offset;
    }
  }
}
