/**
 * Attacks the project for some minutes, and counts the faults: kills, damaged files, wrong flags, contention, long runs.
 *
 *   deno task stress --minutes 10
 */
import { formatTable } from "../lib/accounting/table.ts";
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import type { Flags } from "./cli/flags.ts";
import { requireOutputFile } from "./cli/output.ts";
import { startProgress } from "./cli/progress.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { describeMachine, formatMachine } from "./bench/machine.ts";
import { Attack, type Campaign, type Outcome } from "./stress/campaign.ts";
import { CAMPAIGNS } from "./stress/campaigns.ts";

const NAMES = CAMPAIGNS.map(({ name }) => name);

const HELP = `
Attacks the project for some minutes, counts the faults and prints a table. The exit code is 0 if there are none.

  deno task stress --minutes 10
  deno task stress --only kills --only mutations --minutes 30 --seed 7

  --minutes N      time for all campaigns together, divided evenly; one that reaches its goal ends early (default: 10)
  --only NAME      run only this campaign; may be given several times:
                   ${NAMES.join(", ")}
  --seed N         decides every attack, but not the timing of other processes (default: 0)
  --out FILE.json  also write the table, with the first faults of each campaign, as JSON
  --json           print the JSON instead of the table
  --force          replace FILE
  --help           print this
`;

const FLAGS = {
  minutes: { type: "number", default: 10, min: 0.01 },
  only: { type: "strings", choices: NAMES, many: true },
  seed: { type: "integer", default: 0, min: 0 },
  out: { type: "string" },
  json: { type: "boolean" },
  force: { type: "boolean" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "stress", help: HELP, flags: FLAGS }, args, stress);
}

async function stress(flags: Flags<typeof FLAGS>): Promise<number> {
  if (flags.out !== undefined) await requireOutputFile(flags.out, { force: flags.force, inputs: [] });
  const campaigns = CAMPAIGNS.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name));
  const outcomes: Outcome[] = [];
  await untilInterrupted(async (signal) => {
    let secondsLeft = flags.minutes * 60;
    for (const [i, campaign] of campaigns.entries()) {
      // What one leaves is the others'.
      const seconds = secondsLeft / (campaigns.length - i);
      const outcome = await carryOut(campaign, flags.seed, seconds, signal);
      outcomes.push(outcome);
      secondsLeft = Math.max(0, secondsLeft - outcome.seconds);
    }
  });
  const machine = describeMachine();
  const result = { ...machine, seed: flags.seed, minutes: flags.minutes, campaigns: outcomes };
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if (flags.out !== undefined) await writeFileAtomically(flags.out, json, { replace: flags.force });
  console.log(flags.json ? json.trimEnd() : `${formatMachine(machine)}\n\n${table(outcomes)}`);
  for (const { name, told } of outcomes) for (const fault of told) console.error(`fault in ${name}: ${fault}`);
  return outcomes.some(({ faults }) => faults > 0) ? 1 : 0;
}

async function carryOut(campaign: Campaign, seed: number, seconds: number, signal: AbortSignal): Promise<Outcome> {
  const { name, unit, holds, goal } = campaign;
  const directory = await Deno.makeTempDir({ prefix: `bytelm-${name}-` });
  const attack = new Attack({ directory, seed, goal, seconds, signal });
  const progress = startProgress(goal, `${name} {value}/{total} [{bar}] {faults} faults`, { faults: "0" });
  const show = setInterval(() => progress.update(attack.tries, { faults: String(attack.faults) }), 500);
  const started = performance.now();
  try {
    await campaign.run(attack);
  } finally {
    clearInterval(show);
    progress.update(attack.tries, { faults: String(attack.faults) });
    progress.stop();
    await Deno.remove(directory, { recursive: true });
  }
  const { tries, faults, told, figures } = attack;
  return { name, unit, holds, tries, faults, told, figures, seconds: (performance.now() - started) / 1000 };
}

function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, unit, tries, faults, seconds, figures }) => [
    name,
    `${tries.toLocaleString("en-US")} ${unit}`,
    String(faults),
    seconds.toFixed(0),
    Object.entries(figures).map(([what, value]) => `${what} ${value.toLocaleString("en-US")}`).join("; "),
  ]);
  return formatTable(["campaign", "tried", "faults", "seconds", "figures"], rows, [1, 4]);
}

if (import.meta.main) await runProgram(main);
