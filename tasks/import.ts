/**
 * Makes a run of another library's model.
 *
 *   deno task import --from MODEL --out RUN
 */
import { formatAmount } from "../lib/accounting/units.ts";
import type { ForeignModel } from "../lib/interchange/foreign_model.ts";
import { parameterSpecs, sizeOf } from "../lib/model/parameters.ts";
import { importModel } from "../lib/run/import_model.ts";
import { requireModelPath } from "../lib/run/model_path.ts";
import { openForeignModel } from "../lib/run/open_foreign.ts";
import { RUN_ENTRIES } from "../lib/run/run_directory.ts";
import type { Tokenizer } from "../lib/tokenizer/mod.ts";
import { inCommandLineLater, say, UsageError, UserError, wordingOf } from "./cli/errors.ts";
import type { Flags } from "./cli/flags.ts";
import { requireOutputDirectory } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { shellPath } from "./cli/shell_word.ts";
import { openTokenizer } from "./cli/tokenizer.ts";

const HELP = `
Makes a run of another library's model: it generates, is measured and is trained further as any other run.

  deno task import --from SmolLM2-135M --out out/smollm2
  deno task import --from model.gguf --out out/model --context-length 2048

Model
  --from MODEL       A Hugging Face model's directory, with weights in safetensors, or a GGUF file. Families: Llama
                     (1 to 3.2, TinyLlama, SmolLM), Mistral, Qwen 1.5 to 3, Phi-3, OLMo 2, Gemma 1, GPT-2, GPT-NeoX.
  --context-length N  The longest text in tokens, if it is to be shorter than the model's own: generating takes memory
                     for all of it.
  --tokenizer PATH   The model's tokenizer, if it is not beside it, or not in the file.
  --ids-only         Leave the tokenizer out, if it is of a kind that is not supported: the run takes and gives ids.

Output
  --out RUN          The new run's directory.
  --force            Replace --out if it exists.
`;

const FLAGS = {
  from: { type: "string", required: true },
  "context-length": { type: "integer", min: 1 },
  tokenizer: { type: "string" },
  "ids-only": { type: "boolean" },
  out: { type: "string", required: true },
  force: { type: "boolean" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "import", help: HELP, flags: FLAGS }, args, importTask);
}

async function importTask({ from, out, force, ...flags }: Flags<typeof FLAGS>): Promise<void> {
  if (flags.tokenizer !== undefined && flags["ids-only"]) {
    throw new UsageError(
      "Cannot import: got --tokenizer and --ids-only, must be one of them. See: deno task import --help",
    );
  }
  const inputs = [from, flags.tokenizer].filter((path) => path !== undefined);
  const { kind, path } = await requireModelPath(from);
  if (kind === "run") {
    throw new UserError(
      `Cannot import ${from}: got a run, or no model, must be a Hugging Face model's directory or a GGUF file. To train ` +
        `a run further: deno task train-lm --from ${shellPath(from)}`,
    );
  }
  await requireOutputDirectory(out, { force, inputs, own: RUN_ENTRIES });
  const options = { contextLength: flags["context-length"] };
  using model = await inCommandLineLater(openForeignModel({ kind, path }, options));
  const tokenizer = await findTokenizer(model, flags);
  if (tokenizer === undefined && !flags["ids-only"]) {
    console.error("warning: no tokenizer is beside the model: the run takes and gives ids only. Pass --tokenizer");
  }
  await importModel(out, { model, from, tokenizer, replace: force });
  const { config, architecture } = model;
  const parameters = parameterSpecs(config).reduce((sum, spec) => sum + sizeOf(spec), 0);
  console.log(
    `Imported ${architecture}, ${formatAmount(parameters)} parameters, context ${config.contextLength}: ${out}`,
  );
}

async function findTokenizer(
  model: ForeignModel,
  flags: Pick<Flags<typeof FLAGS>, "tokenizer" | "ids-only">,
): Promise<Tokenizer | undefined> {
  if (flags["ids-only"]) return undefined;
  if (flags.tokenizer !== undefined) return await openTokenizer(flags.tokenizer);
  try {
    return await model.tokenizer();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(say`${wordingOf(error)}. Or pass --tokenizer, or --ids-only`);
  }
}

if (import.meta.main) await runProgram(main);
