// A model's name says the same in every task.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { GPT2_SHAPES, type ModelShape } from "../../lib/accounting/shape.ts";
import { PRESETS } from "../../lib/model/config.ts";
import { MODEL_NAMES, namedShape } from "../../tasks/account/models.ts";
import { LM_SHAPES } from "../../tasks/bench/lm_shapes.ts";
import { PRESETS_HELP } from "../../tasks/cli/presets_help.ts";

const SIZES = ["vocabSize", "contextLength", "dModel", "numLayers", "numHeads", "dFf"] as const;

/** Where a vocabulary is the tokenizer's, any will do. */
const VOCAB_SIZE = 1000;

/** The sizes that a name stands for: without the vocabulary, where the preset leaves it to the tokenizer. */
function sizesOf(name: string, shape: Partial<ModelShape>): readonly unknown[] {
  const isOpen = name in PRESETS && PRESETS[name].vocabSize === undefined;
  return SIZES.filter((key) => key !== "vocabSize" || !isOpen).map((key) => shape[key]);
}

Deno.test("one name is one shape, in accounts, presets and benches", () => {
  const lists: Readonly<Record<string, Readonly<Record<string, Partial<ModelShape>>>>> = {
    presets: PRESETS,
    accounting: GPT2_SHAPES,
    benches: Object.fromEntries(Object.entries(LM_SHAPES).map(([name, { config }]) => [name, config])),
    account: Object.fromEntries(MODEL_NAMES.map((name) => {
      const overrides = { "tie-embeddings": false, ...(!PRESETS[name].vocabSize && { "vocab-size": VOCAB_SIZE }) };
      return [name, namedShape(name, overrides).shape];
    })),
  };
  const known = new Map<string, { readonly list: string; readonly sizes: readonly unknown[] }>();
  for (const [list, shapes] of Object.entries(lists)) {
    for (const [name, shape] of Object.entries(shapes)) {
      const sizes = sizesOf(name, shape);
      const other = known.get(name);
      if (other !== undefined) assertEquals(sizes, other.sizes, `${name} of ${list} and ${other.list}`);
      known.set(name, { list, sizes });
    }
  }
  assert(known.size > 7);
});

Deno.test("help texts give each preset the parameters that it has here", () => {
  for (const [name, { vocabSize: V = 2000, dModel: d, numLayers: n, dFf }] of Object.entries(PRESETS)) {
    const count = 2 * V * d + n * (4 * d * d + 3 * d * dFf + 2 * d) + d;
    const [value, unit] = count >= 1e9 ? [count / 1e9, "B"] : [count / 1e6, "M"];
    assertMatch(PRESETS_HELP, new RegExp(`^  ${name} +${value.toPrecision(3)} ${unit}: `, "m"));
  }
});
