import { OptionError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type LanguageModel, logitsOf, type TrainingDropout } from "../model/language_model.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";

/** What training adds to a model that has no loss of its own. */
export interface LossOptions {
  /** Only for a model that can drop. */
  readonly dropout?: TrainingDropout;
  /** See `CrossEntropyOptions.zLoss`. */
  readonly zLoss?: number;
  /** Shape of the targets: what each counts for. */
  readonly weights?: Tensor;
}

/**
 * Appends the loss that training minimises: the model's own, or the mean cross-entropy of its logits.
 *
 * @param ids (batch, seqLen) of type u32
 * @param targets Shape of `ids`: the token after each.
 * @returns (1): without the share of a z-loss, which is in the gradient alone.
 * @throws {OptionError} If the model has neither a loss nor a forward pass, or the result has another shape; if a model
 *   with a loss of its own is to weigh targets.
 */
export function lossOf(
  model: LanguageModel,
  graph: Graph,
  ids: Tensor,
  targets: Tensor,
  { dropout, zLoss, weights }: LossOptions = {},
): Tensor {
  if (model.loss === undefined) {
    const logits = logitsOf("train", model, graph, ids, dropout && { dropout });
    return crossEntropy(graph, logits, targets, { overwriteLogits: true, zLoss, weights });
  }
  if (weights !== undefined) {
    throw new OptionError("Cannot train: got weights for a model with a loss of its own, must be a model without one");
  }
  const loss = model.loss(graph, ids, targets);
  if (loss.shape.join() === "1") return loss;
  throw new OptionError(`Cannot train: got ${loss} from the model's loss, must be one number, of shape (1)`);
}
