// What is compared: settings of train-lm, each under a name.
import { ARCHITECTURE_DEFAULTS } from "../../../lib/model/config.ts";
import { RECIPES } from "../../../lib/run/recipes.ts";
import { TRAINING_DEFAULTS } from "../../../lib/train/config.ts";
import { UsageError } from "../../cli/errors.ts";
import { shown } from "../../cli/shown.ts";

/** Settings that are trained with several seeds. */
export interface Variant {
  readonly name: string;
  /** Flags for train-lm. */
  readonly flags: readonly string[];
  /** A configuration file's content for train-lm, for what no flag can switch off. */
  readonly config?: object;
  /** A script of tests/bench that trains in PyTorch, in place of train-lm. */
  readonly script?: string;
}

/** The recipes, the one to compare with first. */
export const RECIPE_VARIANTS: readonly Variant[] = Object.keys(RECIPES).reverse().map((name) => ({
  name,
  flags: ["--recipe", name],
}));

/** The script that people copy, as its README says to run it on a CPU. */
export const NANOGPT: Variant = { name: "nanoGPT's CPU settings, PyTorch", flags: [], script: "torch_nanogpt.py" };

/** Variants as a person gives them: "NAME: FLAGS". */
export function parseVariants(texts: readonly string[]): Variant[] {
  return texts.map((text) => {
    const [, name, flags] = /^([^:]+):(.*)$/s.exec(text) ?? [];
    if (name === undefined) {
      throw new UsageError(
        `Cannot run bench learning: got --variant ${shown(text)}, must be a name, a colon and train-lm's flags`,
      );
    }
    return { name: name.trim(), flags: flags.split(/\s+/).filter((word) => word !== "") };
  });
}

/** The modern recipe, and it with each of its settings as in the course's, one at a time. */
export function leftOutVariants(): Variant[] {
  const { model, training } = RECIPES.modern;
  const without = (part: "model" | "training", key: string, value: unknown): Variant => ({
    name: `without ${key} ${(RECIPES.modern[part] as Record<string, unknown>)[key]}`,
    flags: [],
    config: { recipe: "modern", [part]: { [key]: value } },
  });
  return [
    { name: "modern", flags: ["--recipe", "modern"] },
    ...Object.keys(model).map((key) =>
      without("model", key, ARCHITECTURE_DEFAULTS[key as keyof typeof ARCHITECTURE_DEFAULTS])
    ),
    ...Object.keys(training).map((key) =>
      without("training", key, TRAINING_DEFAULTS[key as keyof typeof TRAINING_DEFAULTS] ?? false)
    ),
    { name: "without bf16", flags: ["--recipe", "modern", "--dtype", "f32"] },
    { name: "without dropout", flags: ["--recipe", "modern", "--dropout", "0"] },
  ];
}
