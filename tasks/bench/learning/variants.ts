// What is compared: settings of train-lm, each under a name.
import { ARCHITECTURE_CHOICES } from "../../../lib/model/config.ts";
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
  const defaults: Record<"model" | "training", Readonly<Record<string, unknown>>> = {
    model: Object.fromEntries(Object.entries(ARCHITECTURE_CHOICES).map(([key, [first]]) => [key, first])),
    training: { ...TRAINING_DEFAULTS },
  };
  const without = (part: "model" | "training") =>
    Object.entries(RECIPES.modern[part]).map(([key, value]): Variant => ({
      name: `without ${key} ${value}`,
      flags: [],
      // What is no choice of several is a switch, which is off.
      config: { recipe: "modern", [part]: { [key]: defaults[part][key] ?? false } },
    }));
  return [
    { name: "modern", flags: ["--recipe", "modern"] },
    ...without("model"),
    ...without("training"),
    { name: "without bf16", flags: ["--recipe", "modern", "--dtype", "f32"] },
    { name: "without dropout", flags: ["--recipe", "modern", "--dropout", "0"] },
  ];
}
