import type { Backend } from "../backend/backend.ts";
import type { TokenSource } from "../dataset/token_source.ts";
import { OptionError, UserError } from "../errors.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import { Tensor } from "../graph/tensor.ts";
import type { Transformer } from "../model/transformer.ts";
import { type WeightSource, writeWeights } from "../model/weights.ts";
import { crossEntropyForward } from "../ops/cross_entropy.ts";

/** How tokens are scored. */
export interface ScoreOptions {
  /**
   * Tokens by which the window moves on; each window's last `stride` predictions count, so that all but the first
   * window's see at least contextLength − stride tokens. Default: half the context.
   */
  readonly stride?: number;
  /** Windows that go through the model together. Default: 8. */
  readonly batchSize?: number;
  /** What the model computes in; `"f32"` by default. */
  readonly precision?: Precision;
  /** Written before the first run; by default the model's weights are on the backend already. */
  readonly weights?: WeightSource;
  /** Called with the tokens scored so far. */
  readonly onProgress?: (tokens: number) => void;
  readonly signal?: AbortSignal;
}

/** How well a model predicts a text. */
export interface Score {
  /** Σ −log p(token | tokens before it in its window), in nats. */
  readonly nats: number;
  /** Tokens predicted: all but the first, which nothing comes before. */
  readonly tokens: number;
}

/** A window of inputs, and which of its predictions count. */
interface Window {
  readonly start: number;
  /** The first position that counts, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/**
 * Scores every token of a source, each once, with a window that moves by a stride.
 *
 * @throws {UserError} If there are fewer than two tokens, or one is beyond the model's vocabulary.
 * @throws {OptionError} If the stride is not from 1 to the context length.
 */
export async function scoreTokens(
  backend: Backend,
  model: Transformer,
  source: TokenSource,
  options: ScoreOptions = {},
): Promise<Score> {
  const { contextLength, vocabSize } = model.config;
  const { stride = Math.ceil(contextLength / 2), batchSize = 8 } = options;
  if (!(Number.isSafeInteger(stride) && stride >= 1 && stride <= contextLength)) {
    throw new OptionError(`Cannot score: got stride ${stride}, must be from 1 to the context length ${contextLength}`);
  }
  if (source.length < 2) {
    throw new UserError(`Cannot score ${source.name}: got ${source.length} tokens, must be at least 2. Use more text`);
  }
  const { block, inputs, losses, program, executable } = await loadScorer(backend, model, batchSize, options.precision);
  try {
    if (options.weights) await writeWeights(backend, model, options.weights);
    const windows = scoringWindows(source.length, contextLength, stride);
    let nats = 0;
    let tokens = 0;
    for (let first = 0; first < windows.length; first += batchSize) {
      options.signal?.throwIfAborted();
      const group = windows.slice(first, first + batchSize);
      for (const [row, { start, to }] of group.entries()) {
        const ids = await source.read(start, start + to + 1);
        const beyond = ids.find((id) => id >= vocabSize);
        if (beyond !== undefined) {
          throw new UserError(
            `Cannot score ${source.name}: got token id ${beyond}, must be below the model's vocabulary size ` +
              `${vocabSize}. Encode the text with this model's tokenizer`,
          );
        }
        block.integers(inputs.ids).set(ids.subarray(0, to), row * contextLength);
        block.integers(inputs.targets).set(ids.subarray(1), row * contextLength);
      }
      backend.write(block.view, block.words);
      await executable.run();
      const all = await backend.read(program.view(losses));
      for (const [row, { from, to }] of group.entries()) {
        for (let i = from; i < to; i++) nats += all[row * contextLength + i];
        tokens += to - from;
      }
      options.onProgress?.(tokens);
    }
    return { nats, tokens };
  } finally {
    for (const storage of [...program.scratch, program.inputs!]) backend.release(storage);
  }
}

/** Windows whose counted predictions, put together, are those of every token but the first, each once. */
export function scoringWindows(length: number, contextLength: number, stride: number): Window[] {
  const last = length - 1;
  const windows: Window[] = [{ start: 0, from: 0, to: Math.min(contextLength, last) }];
  for (let done = windows[0].to; done < last;) {
    const end = Math.min(done + stride, last);
    const start = end - contextLength;
    windows.push({ start, from: done - start, to: contextLength });
    done = end;
  }
  return windows;
}

async function loadScorer(backend: Backend, model: Transformer, batchSize: number, precision?: Precision) {
  const graph = new Graph({ precision });
  const shape = [batchSize, model.config.contextLength];
  const inputs = {
    ids: graph.input("ids", shape, { dtype: "u32" }),
    targets: graph.input("targets", shape, { dtype: "u32" }),
  };
  const logits = model.forward(graph, inputs.ids);
  const rows = inputs.ids.size;
  const losses = new Tensor("losses", [rows]);
  graph.call(crossEntropyForward, {
    inputs: { logits, targets: inputs.targets },
    outputs: { losses, lse: new Tensor("lse", [rows]) },
    constants: { rows, V: logits.lastDim },
  });
  const program = plan(graph, { keep: [losses] });
  const executable = await backend.load(program);
  model.writeConstants(backend);
  return { program, executable, block: new InputBlock(program), inputs, losses };
}
