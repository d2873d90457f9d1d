// Prepares text: downloads a dataset, or splits your own text into train and validation text.
//   deno task data --dataset tinystories --out data/tinystories
import { formatCount } from "../lib/accounting/units.ts";
import { CATALOG, type CatalogFile } from "../lib/corpus/download/catalog.ts";
import { fetchDataset } from "../lib/corpus/download/fetch_dataset.ts";
import { documentsOf } from "../lib/corpus/documents.ts";
import { splitDocuments } from "../lib/corpus/split_documents.ts";
import { nameOf, STDIN, type TextInput, textSourceOf } from "../lib/corpus/text_inputs.ts";
import { withMadeDirectory } from "../lib/io/make_directory.ts";
import { excerpt } from "../lib/io/excerpt.ts";
import { textPieces } from "../lib/corpus/text_source.ts";
import { DOCUMENT_SEPARATOR_FLAG, parseDocumentSeparator } from "./cli/document_separator.ts";
import { UsageError } from "./cli/errors.ts";
import { FIELD_FLAGS, FIELD_HELP, fieldOptions, requireField } from "./cli/field_flag.ts";
import { FILTER_FLAGS, FILTER_HELP } from "./cli/file_filter.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { requireOutputFile, requireOutputName, requireSeparatePaths } from "./cli/output.ts";
import { type Progress, startProgress } from "./cli/progress.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { shown } from "./cli/shown.ts";
import { findInputs, warn } from "./cli/text_inputs.ts";

const HELP = `
Prepares training text: downloads a dataset, or splits your own documents into training and validation text.

  deno task data --dataset tinystories --out data/tinystories
  deno task data --input stories.jsonl --out data/stories

  --dataset NAME      tinystories (2.2 GB), owt (12 GB decompressed) or shakespeare (1 MB). Run it again to continue an
                      interrupted download; complete files are left alone. Each file must have its known size and
                      SHA-256, which DIR/dataset.json records
  --base-url URL      a mirror: the files are fetched from URL/FILE
  --input PATH...     your own text: files, directories, or - for stdin. Gzip and zstd are decompressed; each line of a
                      .jsonl file, and each row of a Parquet file, is a document
  ${FILTER_HELP}
  --out DIR           where the files go: with --input, train.txt and valid.txt
  ${FIELD_HELP}
  --separator TEXT    text between documents, which is also written after each one. Default: <|endoftext|>
  --document-separator TEXT  the text between documents, if another is to be written after each one. '\\n-----\\n' is a
                      line of five dashes, '\\n\\n\\n' two empty lines
  --valid-fraction F  share of documents for validation. Default: 0.05
  --seed N            decides which documents those are. Default: 0
  --drop-duplicates   write each document once: leave out those that came before, byte for byte except for white space at
                      their ends. Without it, those in both parts are counted, and you are warned
  --force             replace existing train.txt and valid.txt, or files that have a dataset's names but other contents
  --help              print this
`;

const TASK = {
  name: "data",
  help: HELP,
  flags: {
    dataset: { type: "string", choices: ["tinystories", "owt", "shakespeare"] },
    "base-url": { type: "string" },
    input: { type: "strings", many: true, requiredWithout: ["dataset"] },
    ...FILTER_FLAGS,
    out: { type: "string", required: true },
    ...FIELD_FLAGS,
    separator: { type: "string", default: "<|endoftext|>" },
    "document-separator": DOCUMENT_SEPARATOR_FLAG,
    "valid-fraction": { type: "number", default: 0.05, min: 1e-9, max: 1 - 1e-9 },
    seed: { type: "integer", default: 0, min: 0 },
    "drop-duplicates": { type: "boolean" },
    force: { type: "boolean" },
  },
} as const;

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

export function main(args: string[]): Promise<number> {
  return runTask(TASK, args, async (flags) => {
    if (flags.dataset !== undefined && flags.input.length > 0) {
      throw new UsageError(
        "Cannot run data: got --dataset and --input, must be only one of them. See: deno task data --help",
      );
    }
    requireOutputName(flags.out);
    if (flags.dataset !== undefined) {
      const baseUrl = flags["base-url"];
      if (baseUrl !== undefined && !/^https?:\/\/./.test(baseUrl)) {
        throw new UsageError(
          `Cannot run data: got --base-url ${
            shown(baseUrl)
          }, must be an address that begins with https:// or http://. ` +
            "See: deno task data --help",
        );
      }
      await fetchFiles(flags.dataset, { dir: flags.out, baseUrl, replace: flags.force });
      return;
    }
    const inputs = await findInputs(flags.input, {
      ...fieldOptions(flags),
      include: flags.include,
      exclude: flags.exclude,
    });
    requireField(flags.field, inputs);
    const chosen = parseDocumentSeparator("data", flags["document-separator"]);
    const reading = { separator: chosen ?? flags.separator, isChosen: chosen !== undefined, field: flags.field };
    const paths = { train: `${flags.out}/train.txt`, valid: `${flags.out}/valid.txt` };
    const texts = inputs.map(({ path }) => path).filter((path) => path !== STDIN);
    for (const path of Object.values(paths)) await requireOutputFile(path, { force: flags.force, inputs: texts });
    await requireSeparatePaths([flags.out], texts);
    const parts = await withMadeDirectory(
      flags.out,
      () =>
        untilInterrupted((signal) =>
          splitDocuments(documentsIn(inputs, reading, signal), paths, {
            separator: flags.separator,
            validFraction: flags["valid-fraction"],
            seed: flags.seed,
            dropDuplicates: flags["drop-duplicates"],
            replace: flags.force,
            signal,
          })
        ),
    );
    if (parts.dividedDocuments > 0) {
      warn(
        `${parts.dividedDocuments} documents have ${flags.separator} in them, and will be read as several. Choose another separator, or remove it from your text first`,
      );
    }
    if (parts.sharedDocuments > 0) {
      warn(
        `${parts.sharedDocuments} of ${parts.valid.documents} validation documents are in the training text too: a loss on them says little. Leave them out with --drop-duplicates`,
      );
    }
    if (parts.droppedDocuments > 0) {
      console.error(`dropped ${formatCount(parts.droppedDocuments)} duplicate documents`);
    }
    for (const part of ["train", "valid"] as const) {
      console.log(`${paths[part]}: ${parts[part].documents} documents, ${megabytes(parts[part].bytes)}`);
    }
  });
}

async function fetchFiles(
  dataset: keyof typeof CATALOG,
  { dir, baseUrl, replace }: { readonly dir: string; readonly baseUrl?: string; readonly replace: boolean },
): Promise<void> {
  let progress: Progress | undefined;
  let current = "";
  const show = ({ remote }: CatalogFile, received: number, total?: number) => {
    if (remote !== current) {
      progress?.stop();
      progress = startProgress(total ?? 0, "{name} [{bar}] {got} of {all}", { name: remote, got: "", all: "" });
      current = remote;
    }
    const all = total === undefined ? "an unknown size" : megabytes(total);
    progress?.update(received, { name: remote, got: megabytes(received), all });
  };
  try {
    const files = await withMadeDirectory(
      dir,
      () =>
        untilInterrupted((signal) =>
          fetchDataset(CATALOG[dataset], dir, { baseUrl, replace, signal, onProgress: show })
        ),
    );
    progress?.stop();
    for (const { name, bytes, sha256 } of files) {
      console.log(`${dir}/${name}: ${megabytes(bytes)}, SHA-256 ${sha256}`);
    }
  } finally {
    progress?.stop();
  }
}

async function* documentsIn(
  inputs: readonly TextInput[],
  { separator, isChosen, field }: {
    readonly separator: string;
    /** Whether somebody thinks that it is there. */
    readonly isChosen: boolean;
    readonly field: string | undefined;
  },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let numPlain = 0, numDocuments = 0;
  for (const input of inputs) {
    const source = textSourceOf(input, { field, stdin: Deno.stdin.readable, signal, onWarning: warn });
    if (typeof source === "object" && "texts" in source) {
      for await (const text of source.texts) yield typeof text === "string" ? encoder.encode(text) : text;
    } else {
      numPlain++;
      for await (const document of documentsOf(textPieces(source), separator, { name: nameOf(input) })) {
        numDocuments++;
        yield document;
      }
    }
  }
  if (isChosen && numPlain > 0 && numDocuments <= numPlain) {
    warn(`${excerpt(separator)} was not found: each file counts as one document`);
  }
}

if (import.meta.main) await runProgram(main);
