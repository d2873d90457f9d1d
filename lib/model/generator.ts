import type { Backend, Executable } from "../backend/backend.ts";
import { Graph } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import { type Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Philox } from "../random/philox.ts";
import { type KvCache, kvCacheLayers } from "./kv_cache.ts";
import { penalizeRepetition, sampleToken, type SamplingOptions, validateSampling } from "./sampling.ts";
import type { Transformer } from "./transformer.ts";

/** How a text is continued. */
export interface GenerateOptions extends SamplingOptions {
  /** New tokens at most. */
  readonly maxTokens: number;
  /** Decides every choice. */
  readonly seed: number;
  /** Ids that end the text; they are not yielded. */
  readonly stopIds?: readonly number[];
  readonly signal?: AbortSignal;
}

/** Prompt tokens that one run of the prefill program takes. */
const PREFILL_TOKENS = 64;

/** The random stream that samples are drawn from. */
const RANDOM_STREAM_SAMPLES = 2;

/**
 * Continues token sequences with a KV cache: one program takes a stretch of the prompt at a time, another one token.
 *
 * When the context is full it slides: the newest half of it is fed again from position 0, and generation goes on from
 * there. Positions are relative, so the model sees what it was trained on, at the cost of one prefill per half context.
 */
export class Generator {
  readonly #backend: Backend;
  readonly #contextLength: number;
  readonly #vocabSize: number;
  readonly #prefill: CachedForward;
  readonly #single: CachedForward;

  private constructor(backend: Backend, model: Transformer, prefill: CachedForward, single: CachedForward) {
    this.#backend = backend;
    this.#contextLength = model.config.contextLength;
    this.#vocabSize = model.config.vocabSize;
    this.#prefill = prefill;
    this.#single = single;
  }

  /** Loads both programs. The weights are the caller's to write, before the first `generate`. */
  static async create(backend: Backend, model: Transformer): Promise<Generator> {
    const layers = kvCacheLayers(model.config, 1);
    const prefillTokens = Math.min(PREFILL_TOKENS, model.config.contextLength);
    const prefill = await loadCachedForward(backend, model, layers, prefillTokens);
    const single = await loadCachedForward(backend, model, layers, 1);
    model.writeConstants(backend);
    return new Generator(backend, model, prefill, single);
  }

  /**
   * Yields new token ids, one at a time.
   * @param prompt At least one token id.
   * @throws {RangeError} If the prompt is empty or holds an id beyond the vocabulary, or an option cannot work.
   */
  async *generate(prompt: readonly number[], options: GenerateOptions): AsyncGenerator<number, void, void> {
    validateSampling(options);
    if (prompt.length === 0) throw new RangeError("Cannot generate: got an empty prompt, must be at least one token");
    const unknown = prompt.find((id) => !(id >= 0 && id < this.#vocabSize));
    if (unknown !== undefined) {
      throw new RangeError(
        `Cannot generate: got token id ${unknown}, must be below the vocabulary's ${this.#vocabSize}`,
      );
    }
    const random = new Philox(options.seed, RANDOM_STREAM_SAMPLES);
    let context = prompt.slice(-this.#contextLength);
    let logits = await this.#feed(context);
    for (let i = 0; i < options.maxTokens && !options.signal?.aborted; i++) {
      const { repetitionPenalty = 1 } = options;
      if (repetitionPenalty !== 1) penalizeRepetition(logits, context, repetitionPenalty);
      const id = sampleToken(logits, options, random.uniform(i));
      if (options.stopIds?.includes(id)) return;
      yield id;
      if (i === options.maxTokens - 1) return;
      if (context.length === this.#contextLength) {
        context = [...context.slice(-Math.floor(this.#contextLength / 2)), id].slice(-this.#contextLength);
        logits = await this.#feed(context);
      } else {
        context.push(id);
        logits = await this.#run(this.#single, [id], context.length - 1);
      }
    }
  }

  /** Feeds tokens from position 0 on; returns the logits after the last. */
  async #feed(tokens: readonly number[]): Promise<Float32Array> {
    let logits: Float32Array = new Float32Array();
    for (let start = 0; start < tokens.length;) {
      // The prefill program writes all its rows to the cache: it must not reach beyond the end.
      const program = start + this.#prefill.tokens <= this.#contextLength ? this.#prefill : this.#single;
      const part = tokens.slice(start, start + program.tokens);
      logits = await this.#run(program, part, start);
      start += part.length;
    }
    return logits;
  }

  /**
   * Runs tokens at a position. A part shorter than the program is padded: the padding's keys lie after the part's and
   * are overwritten before any query may see them.
   */
  async #run(forward: CachedForward, part: readonly number[], start: number): Promise<Float32Array> {
    const { block, inputs, program, executable, logits } = forward;
    block.integers(inputs.ids).fill(0).set(part);
    block.integers(inputs.start)[0] = start;
    block.integers(inputs.row)[0] = part.length - 1;
    this.#backend.write(block.view, block.words);
    await executable.run();
    return await this.#backend.read(program.view(logits)) as Float32Array;
  }
}

/** A forward pass over so many tokens at a position given at run time. */
interface CachedForward {
  readonly tokens: number;
  readonly program: Program;
  readonly executable: Executable;
  readonly block: InputBlock;
  readonly inputs: { readonly ids: Tensor; readonly start: Tensor; readonly row: Tensor };
  readonly logits: Tensor;
}

async function loadCachedForward(
  backend: Backend,
  model: Transformer,
  layers: KvCache["layers"],
  tokens: number,
): Promise<CachedForward> {
  const graph = new Graph();
  const inputs = {
    ids: graph.input("ids", [1, tokens], { dtype: "u32" }),
    start: graph.input("start", [1], { dtype: "u32" }),
    row: graph.input("row", [1], { dtype: "u32" }),
  };
  const logits = model.forward(graph, inputs.ids, { cache: { start: inputs.start, layers }, rows: inputs.row });
  const program = plan(graph, { keep: [logits] });
  const executable = await backend.load(program);
  return { tokens, program, executable, block: new InputBlock(program), inputs, logits };
}
