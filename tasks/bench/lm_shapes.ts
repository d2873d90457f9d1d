// The models that whole training steps and generation are measured on.
import { countParameters } from "../../lib/accounting/parameters.ts";
import { formatAmount } from "../../lib/accounting/units.ts";
import { type ModelConfig, PRESETS } from "../../lib/model/config.ts";
import { UsageError } from "../cli/errors.ts";
import { oneOf } from "../cli/nearest.ts";
import { shown } from "../cli/shown.ts";

/** A model and a batch. */
export interface LmShape {
  readonly config: ModelConfig;
  readonly batchSize: number;
}

type Sizes = [
  vocabSize: number,
  contextLength: number,
  dModel: number,
  numLayers: number,
  numHeads: number,
  dFf: number,
];

function shape(sizes: Sizes, batchSize: number): LmShape {
  const [vocabSize, contextLength, dModel, numLayers, numHeads, dFf] = sizes;
  return { config: { vocabSize, contextLength, dModel, numLayers, numHeads, dFf, ropeTheta: 10_000 }, batchSize };
}

/** A preset's shape, with a vocabulary where it has none. */
function preset(name: string, batchSize: number, vocabSize = 2000): LmShape {
  return { config: { vocabSize, ...PRESETS[name] }, batchSize };
}

/**
 * By name. The first is only there to see whether a bench works; the next four suit a CPU, the others need a GPU. A
 * preset's name means the preset.
 */
export const LM_SHAPES: Readonly<Record<string, LmShape>> = {
  trial: shape([256, 32, 32, 2, 2, 88], 4),
  tiny: preset("tiny", 16),
  small: shape([2048, 128, 128, 4, 4, 344], 16),
  medium: shape([4096, 256, 256, 4, 8, 688], 8),
  large: shape([10_000, 256, 512, 4, 16, 1344], 4),
  "large-128": shape([10_000, 256, 512, 4, 16, 1344], 128),
  "gpt2-small": preset("gpt2-small", 8),
  // As wide and deep as GPT-2 small, but 2,048 in the feed-forward, where the preset has 3,072.
  "gpt2-162m": shape([50_257, 1024, 768, 12, 12, 2048], 8),
};

export const LM_SHAPE_NAMES: readonly string[] = Object.keys(LM_SHAPES);

/** Those that are measured where none is named. */
export const DEFAULT_LM_SHAPES = "small,medium,large";

/** The shapes' parameters and sizes, for a task's help. */
export const LM_SHAPES_HELP = Object.entries(LM_SHAPES).map(([name, { config, batchSize }]) => {
  const { vocabSize, contextLength, dModel, numLayers, numHeads, dFf } = config;
  return `  ${name.padEnd(12)} ${formatAmount(countParameters(config))} parameters: vocabulary ${vocabSize}, ` +
    `context ${contextLength}, width ${dModel}, ${numLayers} layers, ${numHeads} heads, feed-forward ${dFf}, ` +
    `batch ${batchSize}`;
}).join("\n");

/** @throws {UsageError} If a name is not known. */
export function namedLmShapes(task: string, names: string): readonly (readonly [string, LmShape])[] {
  return names.split(",").map((name) => {
    if (!Object.hasOwn(LM_SHAPES, name)) {
      throw new UsageError(
        `Cannot run ${task}: got shape ${shown(name)}, must be ${
          oneOf(name, LM_SHAPE_NAMES)
        }. See: deno task ${task} --help`,
      );
    }
    return [name, LM_SHAPES[name]];
  });
}
