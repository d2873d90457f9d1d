// The presets of models, as help texts list them.
import { countParameters } from "../../lib/accounting/parameters.ts";
import type { ModelShape } from "../../lib/accounting/shape.ts";
import { PRESETS } from "../../lib/model/config.ts";

/** A vocabulary to count with, for presets that leave it to the tokenizer: the demo's. */
const USUAL_VOCABULARY = 2000;

/** A row for each preset: how many parameters it has, and the sizes that make them. */
export const PRESETS_HELP: string = shapesHelp(PRESETS);

/** The same for other shapes. */
export function shapesHelp(
  shapes: Readonly<Record<string, Omit<ModelShape, "vocabSize"> & Partial<ModelShape>>>,
): string {
  return Object.entries(shapes).map(([name, shape]) => {
    const { vocabSize = USUAL_VOCABULARY, contextLength, dModel, numLayers } = shape;
    const parameters = countParameters({ ...shape, vocabSize }) / 1e6;
    const rounded = parameters.toLocaleString("en", { maximumSignificantDigits: 3 });
    const sizes = `${numLayers} layers of ${dModel}, context ${contextLength}`;
    return `  ${name.padEnd(12)} ${rounded} M: ${sizes}, vocabulary ${vocabSize.toLocaleString("en")}`;
  }).join("\n");
}
