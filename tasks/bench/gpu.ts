/**
 * Measures everything about a GPU in one go.
 *
 *   deno task bench gpu --torch venv/bin/python
 */
import { formatTable } from "../../lib/accounting/table.ts";
import { findAdapter, missingAdapterMessage, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { UserError } from "../../lib/errors.ts";
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { quietVulkanLoader } from "../cli/backend.ts";
import { UsageError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";
import { REPEATS } from "../cli/measuring_flags.ts";
import { requireOutputFile } from "../cli/output.ts";
import { projectFile } from "../cli/project_file.ts";
import { runProgram } from "../cli/program.ts";
import { runTask } from "../cli/run.ts";
import { startedAs } from "../cli/started_as.ts";
import { oneOf } from "../cli/nearest.ts";
import { shown } from "../cli/shown.ts";
import { runChild, taskWords } from "./child_task.ts";
import { GPU_PARTS, type GpuJob, gpuJobs, type GpuPart, type GpuResults, nameOf, runJobs } from "./gpu_parts.ts";
import { GPU_HEADER, gpuRows } from "./gpu_rows.ts";
import { LM_SHAPES_HELP, namedLmShapes } from "./lm_shapes.ts";
import { requireTorch } from "./torch.ts";

const HELP = `
Measures everything about a GPU, one task after another: doctor, bench lm, bench matmul, profile-step, bench generate and
bench gpu-tiles, in f32 and, if the GPU supports it, in f16; about 5 minutes on a fast one. Saves all their numbers in one
JSON file, written after each task, and prints the most telling ones. If a part fails or hangs, its output is saved too,
and the next part begins; the exit code is then 1.

  deno task bench gpu --torch venv/bin/python

  --out FILE          Where to save the numbers (default: data/benchmarks/ADAPTER.json)
  --force             Replace an existing FILE.
  --only PART,PART    Some of ${GPU_PARTS.join(", ")} (default: all)
  --shapes NAME,NAME  Models; tiles are tried with the first (default: large-128,gpt2-162m)
  --sizes SIZE,SIZE   Matrix products, as for bench matmul (default: 1024,4096)
  --max-rows N        As for bench gpu-tiles (default: 8192)
  --rounds N          As for bench lm and bench generate (default: 5)
  --limit SECONDS     End a task that takes longer, because it hangs (default: 180)
  --torch PYTHON      Also train in PyTorch, in turns in the same run.
  --torch-device NAME  cpu or cuda (default: cuda)
  --software          Measure a software adapter too, a CPU that poses as a GPU.

To see whether it works, which takes about a minute on a software adapter:

  deno task bench gpu --software --shapes trial --sizes 64 --max-rows 64 --rounds 1

Shapes
${LM_SHAPES_HELP}
`;

const FLAGS = {
  out: { type: "string" },
  force: { type: "boolean" },
  only: { type: "string", default: GPU_PARTS.join() },
  shapes: { type: "string", default: "large-128,gpt2-162m" },
  sizes: { type: "string", default: "1024,4096" },
  "max-rows": { type: "integer", default: 8192, min: 1 },
  rounds: { ...REPEATS, default: 5 },
  limit: { type: "number", default: 180, above: 0 },
  torch: { type: "string" },
  "torch-device": { type: "string", default: "cuda", choices: ["cpu", "cuda"] },
  software: { type: "boolean" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench gpu", help: HELP, flags: FLAGS }, args, benchGpu);
}

async function benchGpu(flags: Flags<typeof FLAGS>): Promise<number> {
  const { sizes, torch, force, software } = flags;
  const shapes = namedLmShapes("bench gpu", flags.shapes).map(([name]) => name);
  const only = flags.only.split(",").map(requirePart);
  if (flags.out !== undefined) await requireOutputFile(flags.out, { force, inputs: [] });
  await requireTorch(torch);
  const { description, hasF16 } = await adapterToMeasure(software);
  const out = flags.out ?? projectFile(`data/benchmarks/${slugOf(description)}.json`);
  if (flags.out === undefined) await requireOutputFile(out, { force, inputs: [] });

  const jobs = gpuJobs({
    only,
    shapes,
    sizes,
    software,
    maxRows: flags["max-rows"],
    rounds: flags.rounds,
    dtypes: hasF16 ? ["f32", "f16"] : ["f32"],
    torch: torch === undefined ? [] : ["--torch", torch, "--torch-device", flags["torch-device"]],
  });
  const results: GpuResults = { gpu: description, seconds: {} };
  const run = (job: GpuJob) => {
    console.error(`\n${nameOf(job)}: ${startedAs()} ${[job.task, ...job.args].join(" ")}`);
    return runChild(taskWords(job.task, job.args), flags.limit);
  };
  const told = new Set<string>();
  const failures = await runJobs(jobs, results, run, async (job) => {
    await writeFileAtomically(out, `${JSON.stringify(results, null, 2)}\n`);
    console.error(`${nameOf(job)}: ${results.seconds[nameOf(job)]} s`);
    for (const line of gpuRows(job.part, results).map((row) => row.join("  ").trimEnd())) {
      if (!told.has(line)) console.error(line);
      told.add(line);
    }
  });
  const rows = GPU_PARTS.flatMap((part) => gpuRows(part, results));
  console.log(`${description}\n\n${formatTable(GPU_HEADER, rows)}\n\nWritten to ${out}`);
  if (failures.length > 0) console.error(`WARNING: failed: ${failures.join(", ")}; ${out} says why`);
  return failures.length > 0 ? 1 : 0;
}

/** @throws {UserError} If there is no adapter, or only one that is no GPU. */
async function adapterToMeasure(software: boolean): Promise<{ description: string; hasF16: boolean }> {
  quietVulkanLoader();
  const { adapter, missing } = await findAdapter();
  if (adapter === undefined) throw new UserError(missingAdapterMessage(missing));
  const summary = summarizeAdapter(adapter);
  if (summary.software && !software) {
    throw new UserError(
      `Cannot measure a GPU: got ${summary.description}, which computes on the CPU, must be a GPU with its driver. ` +
        "See: deno task doctor. To measure it all the same: --software",
    );
  }
  return { description: summary.description, hasF16: summary.features.includes("shader-f16") };
}

function requirePart(name: string): GpuPart {
  const part = GPU_PARTS.find((part) => part === name);
  if (part !== undefined) return part;
  throw new UsageError(
    `Cannot run bench gpu: got part ${shown(name)}, must be ${oneOf(name, GPU_PARTS)}. See: deno task bench gpu --help`,
  );
}

/** An adapter's name as a file's. */
function slugOf(description: string): string {
  return description.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "gpu";
}

if (import.meta.main) await runProgram(main);
