/**
 * Shows where a training step's time goes, kernel by kernel.
 *
 *   deno task profile-step --shape small --html step.html
 */
import { resolve } from "node:path";
import { exceededLimits } from "../lib/accounting/limits_exceeded.ts";
import { formatProfile, profileOf, timedCalls } from "../lib/accounting/step_profile.ts";
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { measureLimits } from "../lib/measure/limits.ts";
import { formatLimits } from "./bench/format_limits.ts";
import { LM_SHAPE_NAMES, LM_SHAPES, LM_SHAPES_HELP } from "./bench/lm_shapes.ts";
import { createLmTrainer } from "./bench/lm_trainer.ts";
import { describeMachine, formatMachine } from "./bench/machine.ts";
import { median } from "../lib/measure/kernel_time.ts";
import { GPU_FLAG, startBackend } from "./cli/backend.ts";
import { columnsOfStdout } from "./cli/columns.ts";
import { UsageError } from "./cli/errors.ts";
import { requireOutputFile } from "./cli/output.ts";
import type { Flags } from "./cli/flags.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { REPEATS, WORKERS_FLAG } from "./cli/measuring_flags.ts";
import { profilePage } from "./profile_step/profile_page.ts";
import { drawTimeBars } from "./profile_step/time_bars.ts";

const HELP = `
Shows where a training step's time goes: the FLOPs, bytes and time of each kernel and shape, and its share of the
roofline, which is the shortest time that this machine's measured arithmetic and memory allow.

  deno task profile-step --shape small --html step.html

  --shape NAME     The model and batch (default: small)
  --runs N         Steps to take the median time of (default: 9)
  --dtype NAME     f32, f16 on a GPU with shader-f16, or bf16 on native (default: f32)
  --backend NAME   auto, webgpu, native or wasm (default: auto)
  --gpu WHAT       dawn, or the path of its add-on: a WebGPU that uses an NVIDIA GPU's matrix units in f16; needs
                   deno run -A (default: Deno's own)
  --workers N      Workers of wasm or native (default: one for each core)
  --json           All numbers instead of a table.
  --html FILE      Also write the profile as a page that looks like report.html.
  --svg FILE       Also draw it as a picture.
  --force          Replace an existing FILE.

Shapes
${LM_SHAPES_HELP}

More than 100 % of the roofline means that arrays come from caches, which are faster than memory.
`;

const FLAGS = {
  shape: { type: "string", default: "small", choices: LM_SHAPE_NAMES },
  runs: { ...REPEATS, default: 9 },
  dtype: { type: "string", default: "f32", choices: ["f32", "f16", "bf16"] },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  gpu: GPU_FLAG,
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
  html: { type: "string" },
  svg: { type: "string" },
  force: { type: "boolean" },
} as const;

/** Steps before any is timed. */
const WARM_UP_STEPS = 3;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "profile-step", help: HELP, flags: FLAGS }, args, profileStep);
}

async function profileStep(flags: Flags<typeof FLAGS>): Promise<void> {
  const { html, svg, force } = flags;
  if (html !== undefined && svg !== undefined && resolve(html) === resolve(svg)) {
    throw new UsageError(`Cannot write ${svg}: got it for --html and --svg, must be two files. Choose another name`);
  }
  for (const path of [html, svg]) if (path !== undefined) await requireOutputFile(path, { force, inputs: [] });
  await using backend = await startBackend(flags.backend, {
    workers: flags.workers,
    precision: flags.dtype,
    dawn: flags.gpu,
    tuned: true,
  });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const limits = await measureLimits(backend);
  using lm = await createLmTrainer(backend, LM_SHAPES[flags.shape], flags.dtype);
  const { trainer, batch, learningRate, steps } = lm;
  await steps(WARM_UP_STEPS);
  const runs: Float64Array[] = [];
  for (let run = 0; run < flags.runs; run++) runs.push(await trainer.profileStep(batch, learningRate));
  const { calls } = trainer.program;
  const profile = profileOf(calls, calls.map((_, i) => median(runs.map((run) => run[i]))), limits);
  for (const line of exceededLimits(timedCalls(profile), limits)) console.error(line);

  const title = `A training step of ${flags.shape}, ${flags.dtype}`;
  const lines = [formatMachine(machine), formatLimits(limits)];
  const drawn = [
    [html, () => profilePage(profile, { title, lines })],
    [svg, () => drawTimeBars(profile, title)],
  ] as const;
  for (const [path, draw] of drawn) {
    if (path === undefined) continue;
    await writeFileAtomically(path, draw(), { replace: force });
    console.error(`Written to ${path}`);
  }
  if (flags.json) {
    return console.log(
      JSON.stringify({ machine, limits, shape: flags.shape, dtype: flags.dtype, ...profile }, null, 2),
    );
  }
  console.log(`${lines.join("\n")}\n\n${formatProfile(profile, columnsOfStdout())}`);
}

if (import.meta.main) await runProgram(main);
