/**
 * All tasks as one command, `bytelm TASK …`, for machines where it is installed:
 *
 *   deno install --global --name bytelm --config deno.json … tasks/bytelm.ts
 *
 * See the README for the whole line.
 */
import project from "../deno.json" with { type: "json" };
import { UsageError } from "./cli/errors.ts";
import { nearest } from "./cli/nearest.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { shown } from "./cli/shown.ts";
import { noteStartedAs } from "./cli/started_as.ts";

/** What a task's file exports. */
interface TaskModule {
  main(args: string[]): Promise<number>;
}

/** Each task, which is loaded only when asked for. */
export const TASKS = {
  demo: () => import("./demo.ts"),
  data: () => import("./data.ts"),
  "train-bpe": () => import("./train_bpe.ts"),
  count: () => import("./count.ts"),
  encode: () => import("./encode.ts"),
  decode: () => import("./decode.ts"),
  convert: () => import("./convert.ts"),
  "inspect-tokenizer": () => import("./inspect_tokenizer.ts"),
  "compare-tokenizers": () => import("./compare_tokenizers.ts"),
  "train-lm": () => import("./train_lm.ts"),
  sweep: () => import("./sweep.ts"),
  generate: () => import("./generate.ts"),
  chat: () => import("./chat.ts"),
  serve: () => import("./serve.ts"),
  evaluate: () => import("./evaluate.ts"),
  import: () => import("./import.ts"),
  export: () => import("./export.ts"),
  report: () => import("./report.ts"),
  dashboard: () => import("./dashboard.ts"),
  account: () => import("./account.ts"),
  writeup: () => import("./writeup.ts"),
  doctor: () => import("./doctor.ts"),
  bench: () => import("./bench.ts"),
  "profile-step": () => import("./profile_step.ts"),
  stress: () => import("./stress.ts"),
} as const satisfies Readonly<Partial<Record<keyof typeof project.tasks, () => Promise<TaskModule>>>>;

const NAMES = Object.keys(TASKS) as (keyof typeof TASKS)[];

const WIDTH = Math.max(...NAMES.map((name) => name.length));

const HELP = `
Trains tokenizers and language models, from raw text to text that a model writes.

  bytelm demo
  bytelm train-lm --train out/train.npy --tokenizer out/tokenizer --out out/run

Tasks
${NAMES.map((name) => `  ${name.padEnd(WIDTH)}  ${project.tasks[name].description}`).join("\n")}

Each has its own help: bytelm train-lm --help

  --version  Print the version.
`;

export async function main(args: string[]): Promise<number> {
  noteStartedAs("bytelm");
  const [name = "no task", ...rest] = args;
  if (Object.hasOwn(TASKS, name)) return await (await TASKS[name as keyof typeof TASKS]()).main(rest);
  return await runTask({ name: "bytelm", help: HELP, flags: {} }, asked(args), () => {
    const meant = nearest(name, NAMES);
    const did = meant === undefined ? "" : ` (did you mean ${meant}?)`;
    throw new UsageError(`Cannot run bytelm: got ${shown(name)}, must be one of its tasks${did}. See: bytelm --help`);
  });
}

/** Of a command line without a task, what means something. */
function asked(args: readonly string[]): string[] {
  return args.filter((arg) => ["--help", "-h", "--version"].includes(arg));
}

if (import.meta.main) await runProgram(main);
