// Command lines with values that are wrong, empty, huge or given twice.
import type { Attack, Campaign } from "./campaign.ts";
import { faultOfOutput, runChild, type TaskCommand } from "./child.ts";
import { inputCommands, INPUTS } from "./kill_jobs.ts";

const TEXT = new URL("../../data/shakespeare.txt", import.meta.url);

const VALUES = [
  "",
  "-",
  "--",
  "-1",
  "0",
  "1.5",
  "NaN",
  "1e400",
  "-1e400",
  "1e-400",
  "0x10",
  "1,2",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "9".repeat(400),
  "x".repeat(100_000),
  "\u0661",
  "no such thing",
  "../..",
  "/dev/null",
  "/dev/full",
  "/proc/self/mem",
  "a\nb",
  "\u001b[31m",
  "%s",
  "__proto__",
];

/** A task that accepts what it was given is stopped as a user would, and killed if it does not react. */
const [PATIENCE, GRACE] = [8, 15];

/** 0 and what the tasks' help says of failures, wrong command lines and signals. */
const EXIT_CODES = [0, 1, 2, 143];

export const wrongFlags: Campaign = {
  name: "wrong-flags",
  unit: "command lines",
  holds: "done, or refused in one line with exit code 2 or 1; a signal ends what goes on",
  goal: 500,
  run: async (attack: Attack) => {
    const inputs = `${attack.directory}/inputs`;
    await Deno.mkdir(inputs);
    await Deno.copyFile(TEXT, `${inputs}/${INPUTS.text}`);
    for (const command of inputCommands(inputs)) await runChild(command);
    const run = { task: "train_lm", args: [...trainingOf(inputs), "--out", `${inputs}/run`] };
    await runChild(run);
    const commands = commandsOf(inputs, `${attack.directory}/out`);
    const flags = new Map<string, string[]>();
    for (const { task } of commands) flags.set(task, await flagsOf(task));
    while (attack.goesOn) {
      const { task, args } = attack.random.pick(commands);
      await attackTask(attack, { task, args: wronged(attack, args, flags.get(task)!) });
    }
  },
};

async function attackTask(attack: Attack, command: TaskCommand): Promise<void> {
  const ended = await runChild(command, {
    cwd: attack.directory,
    endings: [
      { signal: "SIGTERM", afterSeconds: PATIENCE },
      { signal: "SIGKILL", afterSeconds: PATIENCE + GRACE },
    ],
  });
  attack.tries++;
  const { code } = ended;
  const problem = faultOfOutput(ended) ?? (EXIT_CODES.includes(code) ? undefined : `exit code ${code}`);
  if (problem === undefined) return;
  const shown = command.args.map((arg) => JSON.stringify(arg.slice(0, 40))).join(" ");
  attack.fault(`${command.task} ${shown}: ${problem}`);
}

/** Command lines as they should be, with one or two flags changed, added, doubled or dropped. */
function wronged(attack: Attack, args: readonly string[], flags: readonly string[]): string[] {
  const { random } = attack;
  const wrong = [...args];
  for (let i = 0; i <= random.below(2); i++) {
    const kind = random.below(4);
    const at = wrong.findIndex((arg, place) => arg.startsWith("--") && place >= random.below(wrong.length));
    if (kind === 0 && at >= 0) wrong[Math.min(at + 1, wrong.length - 1)] = random.pick(VALUES);
    else if (kind === 1 && at >= 0) wrong.splice(at, 1 + random.below(2));
    else if (kind === 2) wrong.push(random.pick(flags), random.pick(VALUES));
    else wrong.push(`${random.pick(flags)}=${random.pick(VALUES)}`);
  }
  return wrong;
}

/** The flags that a task's help names. */
async function flagsOf(task: string): Promise<string[]> {
  const { stdout } = await runChild({ task, args: ["--help"] });
  return [...new Set(stdout.match(/--[a-z][a-z0-9-]*/g))].filter((flag) => flag !== "--help");
}

function trainingOf(inputs: string): string[] {
  const shape = "--context-length 16 --d-model 8 --num-layers 1 --num-heads 2 --d-ff 8 --batch-size 2 --backend wasm";
  const files = ["--train", `${inputs}/${INPUTS.tokens}`, "--tokenizer", `${inputs}/${INPUTS.tokenizer}`];
  return [...files, ...shape.split(" "), "--steps", "5"];
}

function commandsOf(inputs: string, out: string): TaskCommand[] {
  const [text, tokenizer, tokens] = [INPUTS.text, INPUTS.tokenizer, INPUTS.tokens].map((name) => `${inputs}/${name}`);
  const run = `${inputs}/run`;
  return [
    { task: "train_bpe", args: ["--input", text, "--vocab-size", "300", "--out", out, "--force"] },
    { task: "count", args: ["--input", text, "--out", `${out}.counts`, "--force"] },
    { task: "encode", args: ["--tokenizer", tokenizer, "--input", text, "--out", `${out}.npy`, "--force"] },
    { task: "decode", args: ["--tokenizer", tokenizer, "--input", tokens] },
    { task: "inspect_tokenizer", args: ["--tokenizer", tokenizer, "--text", "a b c"] },
    { task: "compare_tokenizers", args: ["--tokenizer", tokenizer, "--input", text] },
    { task: "data", args: ["--input", text, "--separator", "\n\n", "--out", `${out}-data`, "--force"] },
    { task: "train_lm", args: [...trainingOf(inputs), "--out", `${out}-run`, "--force"] },
    { task: "train_lm", args: ["--resume", run] },
    { task: "sweep", args: [...trainingOf(inputs), "--lr", "1e-3,1e-2", "--out", `${out}-sweep`] },
    { task: "generate", args: ["--run", run, "--prompt", "a", "--max-tokens", "5", "--backend", "wasm"] },
    { task: "evaluate", args: ["--run", run, "--input", text, "--stride", "16", "--backend", "wasm"] },
    { task: "report", args: ["--run", run, "--out", `${out}.html`] },
    { task: "account", args: ["--preset", "tiny", "--vocab-size", "1000"] },
    { task: "profile_step", args: ["--preset", "tiny", "--backend", "wasm"] },
    { task: "demo", args: ["--steps", "2", "--out", `${out}-demo`, "--backend", "wasm"] },
  ];
}
