/**
 * Writes a run's model as another library's files.
 *
 *   deno task export --run RUN --format hf --out DIRECTORY
 */
import { huggingFaceArchitecture, writeHuggingFaceModel } from "../lib/interchange/huggingface/write_model.ts";
import { GGUF_TYPES, ggufArchitecture, writeGgufModel } from "../lib/interchange/gguf/write_model.ts";
import type { ModelToExport } from "../lib/interchange/model_to_export.ts";
import { writeDirectoryAtomically, writeFileAtomically } from "../lib/io/atomic.ts";
import { nameOf, plainPath } from "../lib/io/parent_of.ts";
import { CURVE_FILE, EXPORT_ENTRIES, openRunToExport } from "../lib/run/export_run.ts";
import { NoWeightsError, RUN_ENTRIES } from "../lib/run/run_directory.ts";
import { say, UsageError, UserError, wordingOf } from "./cli/errors.ts";
import { requireDirectory } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { requireOutputDirectory, requireOutputFile } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { modelCard } from "./export/model_card.ts";

const HELP = `
Writes a run's model as files that other programs load, with equal token ids and logits.

  deno task export --run out/run --format hf --out out/model
  deno task export --run out/run --format gguf --type Q8_0 --out out/model.gguf

Model
  --run RUN          A run directory, trained here or imported.
  --weights WHICH    last, or best: those with the lowest validation loss (default: last)

Output
  --format NAME      hf: a directory for transformers, with safetensors, tokenizer and a model card, of the architecture
                     that the model has there; gpt2: the same, and only as GPT-2; gguf: a file for llama.cpp, with the
                     tokenizer inside.
  --type TYPE        Of the matrices in a GGUF file: F32, F16 or Q8_0 (default: F32)
  --name NAME        What the model is called there (default: the name of the run's directory)
  --out PATH         The directory, or the GGUF file.
  --force            Replace --out if it exists.
`;

const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: ["last", "best"] },
  format: { type: "string", required: true, choices: ["hf", "gguf", "gpt2"] },
  type: { type: "string", choices: GGUF_TYPES },
  name: { type: "string" },
  out: { type: "string", required: true },
  force: { type: "boolean" },
} as const;

type ExportFlags = Flags<typeof FLAGS>;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "export", help: HELP, flags: FLAGS }, args, exportTask);
}

async function exportTask(flags: ExportFlags): Promise<void> {
  const { run, format, type, out } = flags;
  if (type !== undefined && format !== "gguf") {
    throw new UsageError(`Cannot export: got --type ${type} with --format ${format}, must be with gguf. Leave it out`);
  }
  await requireDirectory(run, RUN_ENTRIES);
  using model = await openRun(flags);
  const name = flags.name ?? nameOf(plainPath(await Deno.realPath(run)));
  const architecture = await (format === "gguf" ? exportGguf(model, name, flags) : exportDirectory(model, name, flags));
  console.log(`Exported ${architecture}: ${out}`);
}

async function openRun({ run, weights }: ExportFlags): Promise<ModelToExport & Disposable> {
  try {
    return await openRunToExport(run, weights);
  } catch (error) {
    if (!(error instanceof NoWeightsError) || error.instead === undefined) throw error;
    throw new UserError(say`${wordingOf(error)}: --weights ${error.instead}`);
  }
}

async function exportGguf(
  model: ModelToExport,
  name: string,
  { run, out, force, type }: ExportFlags,
): Promise<string> {
  await requireOutputFile(out, { force, inputs: [run] });
  const architecture = ggufArchitecture(model.config);
  const onNote = (note: string) => console.error(`warning: ${note}`);
  const { summary } = await modelCard(run, name, architecture);
  await writeGgufModel(out, model, architecture, { type, name, description: summary, onNote });
  return architecture;
}

async function exportDirectory(
  model: ModelToExport,
  name: string,
  { run, format, out, force }: ExportFlags,
): Promise<string> {
  await requireOutputDirectory(out, { force, inputs: [run], own: EXPORT_ENTRIES });
  const architecture = huggingFaceArchitecture(model.config, format === "gpt2" ? "gpt2" : undefined);
  const { card, curve } = await modelCard(run, name, architecture);
  await writeDirectoryAtomically(out, async (directory) => {
    await writeHuggingFaceModel(directory, model, architecture);
    await writeFileAtomically(`${directory}/README.md`, card);
    if (curve !== undefined) await writeFileAtomically(`${directory}/${CURVE_FILE}`, curve);
  }, { own: EXPORT_ENTRIES, replace: force });
  return architecture;
}

if (import.meta.main) await runProgram(main);
