import type { Tensor } from "../graph/tensor.ts";
import type { WeightSource } from "../model/weights.ts";

/** Between two steps: what, beside seed and step, decides how the run goes on. On the backend until the next step. */
export interface Snapshot {
  /** Steps taken. */
  readonly step: number;
  /** Time spent on them. */
  readonly seconds: number;
  /** The parameters, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** The optimizer's state, by a name made of its kind and the parameter's. */
  readonly optimizer: ReadonlyMap<string, Tensor>;
  /** The average of the parameters, by name, where one is kept. */
  readonly average?: ReadonlyMap<string, Tensor>;
  /** Of a training with `patience`: how many validations came after the one with the lowest loss. */
  readonly validationsSinceBest?: number;
}

/** Where a run goes on. */
export interface StartingPoint {
  /** Steps taken before. */
  readonly step: number;
  /** Time spent on them. */
  readonly seconds: number;
  /** The optimizer's state, by the names that a snapshot gives. */
  readonly optimizer: WeightSource;
  /** The average of the weights after each of the steps, where one is kept; by default it begins here. */
  readonly average?: WeightSource;
  /** Updates that this state has seen, which an optimizer corrects its bias by; `step` by default. */
  readonly updates?: number;
  /** Of a training with `patience`: the best validation before. */
  readonly best?: { readonly validLoss: number };
  /** Of a training with `patience`: how many validations came after it. */
  readonly validationsSinceBest?: number;
}
