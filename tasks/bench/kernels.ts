/**
 * Measures every kernel but the matrix products, which are `bench matmul`'s.
 *
 *   deno task bench kernels --only attention,adamw
 */
import { formatTable } from "../../lib/accounting/table.ts";
import { startBackend } from "../cli/backend.ts";
import { UsageError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { WORKERS_FLAG } from "../cli/measuring_flags.ts";
import { kernelCases } from "./kernel_cases.ts";
import { formatRates, type KernelResult, measureKernel, RATE_TITLES, warnOfExceededLimits } from "./kernel_result.ts";
import { measureLimits } from "../../lib/measure/limits.ts";
import { formatLimits } from "./format_limits.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { shown } from "../cli/shown.ts";

const HELP = `
Measures every kernel except matrix products: time, FLOP/s, bytes/s (each array once), and the share of the roofline,
which is the shortest time that this machine's measured arithmetic and memory allow.

  deno task bench kernels --only attention,adamw

  --only TEXT,TEXT  Kernels whose names contain one of these (default: all)
  --backend NAME    auto, webgpu, native or wasm (default: auto)
  --workers N       Workers of wasm or native (default: one for each core)
  --json            All numbers instead of a table.

More than 100 % of the roofline means that arrays come from caches, which are faster than memory.
`;

const FLAGS = {
  only: { type: "string", default: "" },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench kernels", help: HELP, flags: FLAGS }, args, benchKernels);
}

async function benchKernels(flags: Flags<typeof FLAGS>): Promise<void> {
  const wanted = flags.only.split(",");
  const cases = kernelCases().filter(({ kernel }) => wanted.some((text) => kernel.name.includes(text)));
  if (cases.length === 0) {
    throw new UsageError(
      `Cannot run bench kernels: got --only ${shown(flags.only)}, must be part of a kernel's name. ` +
        "See: deno task bench kernels --help",
    );
  }
  await using backend = await startBackend(flags.backend, { workers: flags.workers });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const limits = await measureLimits(backend);
  const results: KernelResult[] = [];
  for (const kernelCase of cases) {
    console.error(`running ${kernelCase.kernel.name} …`);
    results.push(await measureKernel(backend, limits, kernelCase));
  }
  warnOfExceededLimits(results, limits);
  if (flags.json) return console.log(JSON.stringify({ machine, limits, results }, null, 2));
  const rows = results.map((result) => [result.kernel, formatConstants(result), ...formatRates(result)]);
  const table = formatTable(["kernel", "sizes", ...RATE_TITLES], rows, [1]);
  console.log(`${formatMachine(machine)}\n${formatLimits(limits)}\n\n${table}`);
}

/** The whole numbers above 1: sizes, and no switches or learning rates. */
function formatConstants({ constants }: KernelResult): string {
  return Object.entries(constants).filter(([, value]) => Number.isInteger(value) && value > 1).map(([name, value]) =>
    `${name}=${value}`
  ).join(" ");
}

if (import.meta.main) await runProgram(main);
