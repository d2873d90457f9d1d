// Small models as transformers saves them, with the logits that it computes of them in float64.
import { inTemporaryDirectory } from "./temporary_directory.ts";

/** The models whose logits are known. */
export const HUGGINGFACE_MODELS = [
  "llama_mha_untied",
  "llama_gqa_tied",
  "llama32_rope_scaling",
  "llama_biases",
  "qwen2",
  "qwen3_head_dim_qk_norm",
  "mistral",
  "phi3_fused",
  "gemma",
  "gpt2",
  "gpt_neox",
  "olmo2",
] as const;

/** What transformers computed. */
interface Logits {
  readonly ids: readonly number[];
  /** (ids, vocabulary) */
  readonly logits: readonly (readonly number[])[];
}

/** The directory of a model. */
export function fixtureDirectory(name: string): string {
  return new URL(`../fixtures/huggingface/${name}`, import.meta.url).pathname;
}

/** The models that have another one's weights. */
const WEIGHTS_OF: Readonly<Record<string, string>> = { llama32_rope_scaling: "llama_gqa_tied" };

/** Copies a model's files into a new directory, which the caller may change. */
export async function copyFixture(name: string, directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const source of [WEIGHTS_OF[name], name]) {
    if (source === undefined) continue;
    for await (const file of Deno.readDir(fixtureDirectory(source))) {
      await Deno.copyFile(`${fixtureDirectory(source)}/${file.name}`, `${directory}/${file.name}`);
    }
  }
}

/** Calls `use` with a copy of a model's directory, and its logits. */
export async function withFixture(
  name: string,
  use: (fixture: Logits & { readonly directory: string }) => Promise<void>,
): Promise<void> {
  await inTemporaryDirectory(async (temporary) => {
    const directory = `${temporary}/${name}`;
    await copyFixture(name, directory);
    await use({ directory, ...JSON.parse(await Deno.readTextFile(`${directory}/logits.json`)) as Logits });
  });
}
