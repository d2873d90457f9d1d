// The models that have names, with the parameters that they have here.
import { countParameters } from "../../lib/accounting/parameters.ts";
import { formatAmount } from "../../lib/accounting/units.ts";
import { PRESETS } from "../../lib/model/config.ts";

/** `gpt2-small (190 M)`; a name alone where the tokenizer decides how large the vocabulary is. */
export function labelled(name: string): string {
  const { vocabSize, ...shape } = PRESETS[name];
  return vocabSize === undefined ? name : `${name} (${formatAmount(countParameters({ vocabSize, ...shape }))})`;
}

/** Every preset, for `--help`: three lines, all but the first indented by so many spaces. */
export function presetsHelp(indent: number, preset: string): string {
  const names = Object.keys(PRESETS);
  const list = (isGpt2: boolean) =>
    names.filter((name) => name.startsWith("gpt2-") === isGpt2).map(labelled).join(", ");
  return [
    `${list(false)},`,
    `${list(true)} (default: ${preset});`,
    "with the parameters they have here: GPT-2's shapes with SwiGLU and a head of their own",
  ].join(`\n${" ".repeat(indent)}`);
}
