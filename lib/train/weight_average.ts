import type { Backend } from "../backend/backend.ts";
import { option, OptionError, say } from "../errors.ts";
import { CompiledGraph } from "../graph/compiled_graph.ts";
import { copy } from "../graph/copy.ts";
import { Graph } from "../graph/graph.ts";
import { plan } from "../graph/plan.ts";
import { type Program, viewOf } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { excerpt } from "../io/excerpt.ts";
import type { LanguageModel } from "../model/language_model.ts";
import { ParameterLayout } from "../model/parameters.ts";
import type { WeightSource } from "../model/weights.ts";
import { isNumber } from "./optimizer/number_option.ts";
import { sgd } from "./optimizer/sgd.ts";

/** The smallest share that weights can be averaged over: below it, no run has steps enough for two to count. */
const SMALLEST_SHARE = 1e-6;

/** What a share to average over must be, in words. */
export const AVERAGE_SHARE = `a number from ${SMALLEST_SHARE} to 1`;

/** Whether weights can be averaged over this share of a training. */
export function isAverageShare(value: unknown): value is number {
  return isNumber(value, SMALLEST_SHARE, 1);
}

/**
 * By how much an average moves to the weights after step `t`, counted from 1: 1 − (1 − 1/t)^(2/share − 1). At the first step
 * that is 1, so the average needs no correction; with a share of 1 it is 1/t, the mean of all weights so far.
 *
 * The weights after step s of t then count in proportion to (s/t)^(2/share − 2). Their mean age is `share`/2 of the training
 * so far, as that of a plain mean over the last `share` of it. So the average is over the same part of a training of any
 * length, and can be taken at any step: a running mean with a fixed decay would be over a fixed number of steps, and a plain
 * mean over the last steps has to know which are the last.
 *
 * Source: Karras et al. 2024, arXiv:2312.02696, section 3.1, with γ = 2/share − 2. That averages give at a constant rate most
 * of what a decay of the rate gives: Hägele et al. 2024, arXiv:2405.18392, section 4.
 */
export function averageRate(t: number, share: number): number {
  // Not 1 − (1 − 1/t)^γ, which loses all digits where t is large.
  return t === 1 ? 1 : -Math.expm1((2 / share - 1) * Math.log1p(-1 / t));
}

/** What a weight average is made for. */
export interface WeightAverageOptions {
  /** The share of the training that it is over: above 0, at most 1. */
  readonly share: number;
  /**
   * The gradients of the parameters that are trained. Between two steps nothing needs what they hold: the weights are kept
   * there while the average is in their place.
   */
  readonly gradients: ParameterLayout;
}

/**
 * A running average of a model's trained weights, on the backend: as many bytes as they have, and an update of three reads
 * and writes for each. The training does not depend on it.
 *
 * The update is the kernel of gradient descent: with a rate r, the weights w for gradients, a clipping factor of −1 and a
 * decay of 1, a − r·a + r·w is a step from a down the gradient of ½(a − w)².
 */
export class WeightAverage implements Disposable {
  readonly #backend: Backend;
  readonly #model: LanguageModel;
  readonly #layout: ParameterLayout;
  readonly #share: number;
  readonly #update: CompiledGraph;
  readonly #rate: Tensor;
  readonly #show: CompiledGraph;
  readonly #hide: CompiledGraph;
  readonly #owned: DisposableStack;
  #added = 0;

  private constructor(
    backend: Backend,
    model: LanguageModel,
    layout: ParameterLayout,
    share: number,
    programs: { update: CompiledGraph; rate: Tensor; show: CompiledGraph; hide: CompiledGraph; owned: DisposableStack },
  ) {
    this.#backend = backend;
    this.#model = model;
    this.#layout = layout;
    this.#share = share;
    this.#update = programs.update;
    this.#rate = programs.rate;
    this.#show = programs.show;
    this.#hide = programs.hide;
    this.#owned = programs.owned;
  }

  /**
   * Loads its programs.
   * @throws {OptionError} If the share is none.
   */
  static async create(
    backend: Backend,
    model: LanguageModel,
    { share, gradients }: WeightAverageOptions,
  ): Promise<WeightAverage> {
    if (!isAverageShare(share)) {
      throw new OptionError(
        say`Cannot train: got ${option("averageWeights")} ${excerpt(share)}, must be ${AVERAGE_SHARE}`,
      );
    }
    const layout = new ParameterLayout("weight average", gradients.specs, false);
    using owned = new DisposableStack();
    owned.defer(() => backend.release(layout.flat.placement!.storage));
    const load = async (graph: Graph) => owned.use(await CompiledGraph.load(backend, plan(graph)));
    const graph = new Graph();
    const clip = graph.input("average clip", [2]);
    const rate = graph.input("average rate", [1]);
    // All at once where no parameter is frozen: both lie side by side in the same way.
    const isAll = layout.specs.length === model.parameters.specs.length;
    const pairs = isAll
      ? [[layout.flat, model.parameters.flat]]
      : [...layout.parts].map(([name, part]) => [part, model.parameters.part(name)]);
    for (const [average, weights] of pairs) {
      sgd(graph, { parameters: average, gradients: weights, clip, schedule: rate }, { weightDecay: 1 });
    }
    const update = await load(graph);
    update.set(clip, [1, -1]);
    const copied = (from: ParameterLayout, to: ParameterLayout, graph = new Graph()) => {
      for (const { name } of layout.specs) copy(graph, from.part(name), to.part(name), false);
      return graph;
    };
    const show = await load(copied(layout, model.parameters, copied(model.parameters, gradients)));
    const hide = await load(copied(gradients, model.parameters));
    return new WeightAverage(backend, model, layout, share, { update, rate, show, hide, owned: owned.move() });
  }

  /** What each step runs for it. */
  get program(): Program {
    return this.#update.program;
  }

  /** The average of every parameter, by name; of a frozen one, the parameter itself. */
  get weights(): ReadonlyMap<string, Tensor> {
    const { parts } = this.#model.parameters;
    return new Map([...parts].map(([name, part]) => [name, this.#layout.parts.get(name) ?? part]));
  }

  /** Goes on from an average over so many steps. */
  async restore(steps: number, source: WeightSource): Promise<void> {
    for (const [name, part] of this.#layout.parts) {
      this.#backend.write(viewOf(part, part.placement!), await source(name, part.shape));
    }
    this.#added = steps;
  }

  /** Takes in the weights after a step. */
  async add(): Promise<void> {
    this.#update.set(this.#rate, [averageRate(++this.#added, this.#share)]);
    await this.#update.run();
  }

  /** Does something with the model while the average is in the place of its weights, which then come back as they were. */
  async whileShown<T>(work: () => Promise<T>): Promise<T> {
    await this.#show.run();
    try {
      return await work();
    } finally {
      await this.#hide.run();
    }
  }

  /** Frees the average and its programs. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
