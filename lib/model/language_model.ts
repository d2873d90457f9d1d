import type { Backend } from "../backend/backend.ts";
import { OptionError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { KvCache } from "./kv_cache.ts";
import type { ParameterLayout } from "./parameters.ts";

/**
 * What is known about any model. Your own model's configuration adds whatever else it is built from; numbers, strings
 * and booleans can be kept with its runs.
 */
export interface LanguageModelConfig {
  /** The name of your own architecture, which tells its runs from a `Transformer`'s. A `Transformer` has none. */
  readonly architecture?: string;
  /** The number of logits; every token id is below it. */
  readonly vocabSize: number;
  /** The length of the longest sequence, in tokens. */
  readonly contextLength: number;
}

/** Dropout in a training's forward passes. */
export interface TrainingDropout {
  /** The share of elements that is dropped: above 0, below 1. */
  readonly rate: number;
  /** (4) of type u32: see `DropoutOptions.draw`. */
  readonly draw: Tensor;
}

/** Options for a forward pass that is not just over whole sequences. */
export interface ForwardOptions {
  /** Keys and values of earlier positions. Without it, the sequence starts at position 0. */
  readonly cache?: KvCache;
  /** (N) of type u32: compute logits for these rows of the (batch · seqLen) positions only. */
  readonly rows?: Tensor;
  /** Drop elements. Passed only to a model that says it `canDrop`, in training. */
  readonly dropout?: TrainingDropout;
}

/**
 * A model that can be trained, evaluated, saved and used to generate text: a `Transformer`, or your own, made of the
 * ops in `./ops` or of kernels defined with `./graph`.
 */
export interface LanguageModel {
  /** What it is built from. */
  readonly config: LanguageModelConfig;
  /** The weights, as one storage and its parts; made with `requiresGrad`, so that they can be trained. */
  readonly parameters: ParameterLayout;
  /**
   * Appends the forward pass. The result at a position may depend only on that position and those before it, and not on
   * other sequences in the batch. Shapes can differ from call to call, up to the context length.
   *
   * @param ids (batch, seqLen) of type u32
   * @param options Passed only to a model that has `createCache`, but for `dropout`.
   * @returns Logits: (batch, seqLen, vocabSize), or (N, vocabSize) for `options.rows`.
   */
  forward(graph: Graph, ids: Tensor, options?: ForwardOptions): Tensor;
  /**
   * Appends the loss that training minimises. Default: the mean cross-entropy of the logits. Validation and scores
   * always use that.
   *
   * @param ids (batch, seqLen) of type u32
   * @param targets Shape of `ids`: the token after each.
   * @returns (1)
   */
  loss?(graph: Graph, ids: Tensor, targets: Tensor): Tensor;
  /**
   * Whether `forward` takes a cache whose `start` has one position for each sequence, so that texts of different lengths
   * go through the model together.
   */
  readonly canPart?: boolean;
  /**
   * Makes the arrays of a cache for this many sequences, which `forward` then receives as `options.cache.layers`.
   * Without this method, generation computes a whole forward pass for each token.
   */
  createCache?(sequences: number): KvCache["layers"];
  /** Whether `forward` heeds `options.dropout`. Without it, training with dropout is refused. */
  readonly canDrop?: boolean;
  /** Frees the parameters and whatever else the model keeps on a backend. */
  release(backend: Backend): void;
}

/** A model with a cache. */
export type CachingModel = LanguageModel & Required<Pick<LanguageModel, "createCache">>;

/** Whether a model has a cache. */
export function hasCache(model: LanguageModel): model is CachingModel {
  return model.createCache !== undefined;
}

/** What a model must have, in words for messages. */
const MEMBERS = {
  config: "config, with vocabSize and contextLength",
  parameters: "parameters, a ParameterLayout",
  forward: "forward(graph, ids), which gives the logits",
  release: "release(backend), which frees its parameters",
} as const;

/**
 * Checks that a model has these members, because types do not check models written in JavaScript.
 * @param what The work that needs them, for the message.
 * @throws {OptionError} If one of `members` is missing, naming the first.
 */
export function requireMembers(what: string, model: LanguageModel, ...members: (keyof typeof MEMBERS)[]): void {
  for (const member of members) {
    const value: unknown = model[member];
    const isMethod = member === "forward" || member === "release";
    if (isMethod ? typeof value === "function" : typeof value === "object" && value !== null) continue;
    throw new OptionError(`Cannot ${what}: got a model without ${member}, must have ${MEMBERS[member]}`);
  }
}

/**
 * Appends the forward pass of whole sequences.
 *
 * @param what The work that needs it, for the message.
 * @param ids (batch, seqLen) of type u32
 * @returns Logits (batch, seqLen, vocabSize)
 * @throws {OptionError} If the model has no forward pass, or its result has another shape.
 */
export function logitsOf(
  what: string,
  model: LanguageModel,
  graph: Graph,
  ids: Tensor,
  options?: Pick<ForwardOptions, "dropout">,
): Tensor {
  requireMembers(what, model, "config", "parameters", "forward");
  const logits = options === undefined ? model.forward(graph, ids) : model.forward(graph, ids, options);
  const expected = [...ids.shape, model.config.vocabSize];
  if (logits.shape.join() === expected.join()) return logits;
  throw new OptionError(
    `Cannot ${what}: got ${logits} from the model's forward, must be logits of shape (${
      expected.join(", ")
    }): batch, ` +
      "sequence, vocabulary",
  );
}
