// The presets of models, as help texts list them.
import { countParameters } from "../../lib/accounting/parameters.ts";
import { formatAmount } from "../../lib/accounting/units.ts";
import { PRESETS } from "../../lib/model/config.ts";

/** A vocabulary to count with, for presets that leave it to the tokenizer: the demo's. */
const USUAL_VOCABULARY = 2000;

/** A row for each preset: how many parameters it has here, and the sizes that make them. */
export const PRESETS_HELP: string = Object.entries(PRESETS).map(([name, preset]) => {
  const { vocabSize = USUAL_VOCABULARY, contextLength, dModel, numLayers } = preset;
  const parameters = formatAmount(countParameters({ ...preset, vocabSize }));
  const sizes = `${numLayers} layers of ${dModel}, context ${contextLength}`;
  return `  ${name.padEnd(12)} ${parameters}: ${sizes}, vocabulary ${vocabSize.toLocaleString("en")}`;
}).join("\n");
