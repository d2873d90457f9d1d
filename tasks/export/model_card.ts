// The model card of an exported run: what it was trained on, its curve, and the accounting.
import { seqLenOf } from "../../lib/train/config.ts";
import { formatCount, formatSi } from "../../lib/accounting/units.ts";
import { nameOf } from "../../lib/io/parent_of.ts";
import { parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";
import { CURVE_FILE } from "../../lib/run/export_run.ts";
import type { ImportedConfig } from "../../lib/run/import_record.ts";
import { readLog } from "../../lib/run/metrics_follower.ts";
import { isImported, readAnyRunConfig } from "../../lib/run/run_directory.ts";
import { readRunRecord, type RunRecord } from "../../lib/run/run_record.ts";
import { betterLoss, type StepMetrics } from "../../lib/train/step_metrics.ts";
import { bytesPerToken } from "../report/bytes_per_token.ts";
import { describeRun } from "../report/describe_run.ts";
import { code, markdownTable } from "../writeup/markdown.ts";
import { lossCurve } from "./loss_curve.ts";

/** A README.md, and the picture that it shows. */
export interface ModelCard {
  readonly card: string;
  /** What it is, in a line or two. */
  readonly summary: string;
  /** An SVG; none for a model that was not trained here. */
  readonly curve?: string;
}

/** Rows of the table of losses. */
const ROWS = 12;

/** Describes a run for people who find its model somewhere else. */
export async function modelCard(run: string, name: string, architecture: string): Promise<ModelCard> {
  const config = await readAnyRunConfig(run);
  const head = (about: string) => ["---", "library_name: transformers", "---", `# ${line(name)}`, about];
  const load = [
    "## Use",
    '```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\nmodel = AutoModelForCausalLM.from_pretrained(".")\n' +
    'tokenizer = AutoTokenizer.from_pretrained(".")\n```',
  ];
  if (isImported(config)) {
    const summary = importedText(config, architecture);
    return { card: join([...head(summary), ...load]), summary };
  }
  const record = await readRunRecord(run);
  const log = await readLog(run);
  const bytes = await bytesPerToken(config);
  const described = describeRun(run, record, log, bytes === undefined ? {} : { bytesPerToken: bytes });
  const { remarks = [], results = {} } = described;
  const status = described.status === undefined ? "" : ` (${described.status})`;
  const about = `A language model of the ${architecture} architecture, trained with bytelm${status}.`;
  const data = dataRows(record).map(([name, tokens]) => `${name}, ${tokens} tokens`).join("; ");
  const loss = results["lowest validation loss"] ?? results["last training loss"];
  const curve = lossCurve(log.metrics);
  return {
    card: join([
      ...head(about),
      "## Trained on",
      table(["data", "tokens"], dataRows(record)),
      ...(remarks.length === 0 ? [] : [remarks.map(line).join("; ")]),
      "## Results",
      table(["", ""], Object.entries(results)),
      ...(curve === undefined ? [] : [
        "## Curve",
        `![Loss by step, in nats per token](${CURVE_FILE})`,
        table(["step", "training loss", "validation loss"], lossRows(log.metrics)),
      ]),
      "## Accounting",
      table(["", ""], accountingRows(record, described.facts, log.metrics)),
      "## Settings",
      table(["", ""], Object.entries(described.facts).filter(([key]) => !/data$/.test(key))),
      ...load,
    ]),
    summary: [about, `Data: ${data}.`, ...(loss === undefined ? [] : [`Loss: ${loss}.`])].join(" "),
    ...(curve !== undefined && { curve }),
  };
}

function importedText({ imported, model }: ImportedConfig, architecture: string): string {
  const parameters = parameterSpecs(model).reduce((sum, spec) => sum + sizeOf(spec), 0);
  return `A language model of the ${architecture} architecture with ${
    formatCount(parameters)
  } parameters. It was not ` +
    `trained here, but imported from ${code(nameOf(imported.from))} (${imported.format}, ${
      code(imported.architecture)
    }); sha256 ${imported.files.map(({ sha256 }) => sha256).join(", ")}.`;
}

/** The names of files, without the directories of the machine that they lay on. */
function dataRows({ config: { data } }: RunRecord): string[][] {
  return Object.entries(data).map(([part, { name, tokens }]) => [
    `${part === "train" ? "training" : "validation"}: ${code(nameOf(name))}`,
    formatCount(tokens),
  ]);
}

function lossRows(metrics: readonly StepMetrics[]): string[][] {
  const valid = metrics.filter(({ validLoss }) => validLoss !== undefined);
  const shown = valid.length > 1 ? valid : metrics;
  const count = Math.min(ROWS, shown.length);
  const picked = new Set(
    Array.from({ length: count }, (_, i) => Math.round(i * (shown.length - 1) / (count - 1 || 1))),
  );
  return [...picked].map((at) => {
    const { step, loss, validLoss, averageValidLoss } = shown[at];
    // Of the better of the weights and their average: that is the model.
    const valid = validLoss === undefined ? "" : betterLoss({ validLoss, averageValidLoss }).toFixed(4);
    return [formatCount(step + 1), loss.toFixed(4), valid];
  });
}

function accountingRows(
  { config: { model, training } }: RunRecord,
  facts: Readonly<Record<string, string>>,
  metrics: readonly StepMetrics[],
): string[][] {
  const last = metrics.at(-1);
  const kept = ["parameters", "predicted FLOPs per token", "predicted memory"].filter((key) => key in facts);
  const tokens = (last === undefined ? 0 : last.step + 1) * training.batchSize * training.gradAccumulation *
    seqLenOf(model, training);
  return [
    ...kept.map((key) => [key, facts[key]]),
    ["tokens seen", formatCount(tokens)],
    ...(last === undefined ? [] : [
      ["seconds of training", formatCount(last.seconds)],
      ["tokens per second", formatSi(tokens / last.seconds, "tokens/s")],
    ]),
  ];
}

const table = (header: readonly string[], rows: readonly (readonly string[])[]) =>
  markdownTable(header, rows.map((row) => row.map(line)));

const join = (parts: readonly string[]) => `${parts.slice(0, 3).join("\n")}\n\n${parts.slice(3).join("\n\n")}\n`;

/** One line, as it is, and no HTML. */
function line(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("<", "&lt;");
}
