import type { Backend } from "../backend/backend.ts";
import { compile, type CompiledGraph } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { type KvCache, releaseLayers } from "../model/kv_cache.ts";
import type { CachingModel, LanguageModel } from "../model/language_model.ts";
import { SlotPrefill } from "./slot_prefill.ts";

/** A token of a text, and its place in it. */
export interface Feed {
  readonly id: number;
  readonly position: number;
}

/** A program for the first slots, however many. */
interface SlotProgram {
  readonly count: number;
  readonly compiled: CompiledGraph;
  readonly ids: Tensor;
  readonly start: Tensor;
  readonly logits: Tensor;
}

/**
 * A KV cache for each of several texts that differ in length, and programs that take one token of each. There are
 * programs for 2, 4, … of the slots, so that few texts do not pay for all. None is for one slot alone: products of one
 * row are summed in another order, and a text would depend on whether another one is there.
 */
export class Slots implements Disposable {
  /** How many texts there is room for. */
  readonly count: number;
  readonly #vocabSize: number;
  /** Processes prompts in blocks. */
  readonly prefill: SlotPrefill;
  readonly #programs: readonly SlotProgram[];
  readonly #owned: DisposableStack;

  private constructor(
    count: number,
    vocabSize: number,
    prefill: SlotPrefill,
    programs: readonly SlotProgram[],
    owned: DisposableStack,
  ) {
    this.count = count;
    this.prefill = prefill;
    this.#vocabSize = vocabSize;
    this.#programs = programs;
    this.#owned = owned;
  }

  /** Loads the programs. @param count At least 1. */
  static async load(backend: Backend, model: CachingModel, count: number): Promise<Slots> {
    const lanes = Math.max(count, 2);
    const layers = model.createCache(lanes);
    using owned = new DisposableStack();
    owned.defer(() => releaseLayers(backend, layers));
    const prefill = owned.use(await SlotPrefill.load(backend, model, layers));
    const programs: SlotProgram[] = [];
    for (const few of programSizes(count)) {
      const { graph, ...tensors } = traceSlots(model, firstLanes(layers, few), few);
      const compiled = owned.use(await compile(backend, graph, { keep: [tensors.logits] }));
      programs.push({ count: few, compiled, ...tensors });
    }
    return new Slots(count, model.config.vocabSize, prefill, programs, owned.move());
  }

  /**
   * Feeds each slot its text's next token.
   * @param feeds By slot; nothing where there is no text.
   * @returns By slot, (vocabSize) logits of what follows, which may be changed until the next step; nothing where nothing
   *   was fed.
   */
  async step(feeds: readonly (Feed | undefined)[]): Promise<(Float32Array | undefined)[]> {
    const used = feeds.findLastIndex((feed) => feed !== undefined) + 1;
    const { count, compiled, ids, start, logits } = this.#programs.find(({ count }) => count >= used)!;
    // An empty slot gets a token too, at the first position, which whatever comes there next overwrites.
    const lanes = Array.from({ length: count }, (_, i) => feeds[i] ?? { id: 0, position: 0 });
    compiled.set(ids, lanes.map(({ id }) => id));
    compiled.set(start, lanes.map(({ position }) => position));
    await compiled.run();
    const all = await compiled.readFloats(logits);
    return feeds.map((feed, i) => feed && all.subarray(i * this.#vocabSize, (i + 1) * this.#vocabSize));
  }

  /** Frees the caches and the programs. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

/** Numbers of slots that have a program: powers of two from 2 on, and all. */
export function programSizes(count: number): number[] {
  const sizes: number[] = [];
  for (let few = 2; few < count; few *= 2) sizes.push(few);
  return [...sizes, Math.max(count, 2)];
}

/** Traces the program of some slots. */
export function traceSlots(
  model: LanguageModel,
  layers: KvCache["layers"],
  count: number,
): { readonly graph: Graph } & Pick<SlotProgram, "ids" | "start" | "logits"> {
  const graph = new Graph();
  const ids = graph.input("ids", [count, 1], { dtype: "u32" });
  const start = graph.input("start", [count], { dtype: "u32" });
  return { graph, ids, start, logits: model.forward(graph, ids, { cache: { start, layers } }) };
}

/** The caches of the first slots. */
export function firstLanes(layers: KvCache["layers"], count: number): KvCache["layers"] {
  const first = ({ name, shape: [_, rows, width], placement }: Tensor) =>
    new Tensor(name, [count, rows, width], { placement });
  return layers.map(({ keys, values }) => ({ keys: first(keys), values: first(values) }));
}
