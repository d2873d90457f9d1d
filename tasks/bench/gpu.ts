/**
 * Measures everything about a GPU in one go.
 *
 *   deno task bench gpu --torch venv/bin/python
 */
import { dirname } from "node:path";
import { formatTable } from "../../lib/accounting/table.ts";
import { formatCount, formatShare, formatSi } from "../../lib/accounting/units.ts";
import { findAdapter, missingAdapterMessage, summarizeAdapter } from "../../lib/backend/webgpu/adapter.ts";
import { UserError } from "../../lib/errors.ts";
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { quietVulkanLoader } from "../cli/backend.ts";
import { requireOutputFile } from "../cli/output.ts";
import type { Flags } from "../cli/flags.ts";
import { runTask } from "../cli/run.ts";
import { REPEATS } from "../cli/measuring_flags.ts";
import { LM_SHAPES_HELP, namedLmShapes } from "./lm_shapes.ts";
import { requireTorch } from "./torch.ts";

const HELP = `
Measures everything about a GPU, one task after another: doctor, bench matmul, bench gpu-tiles, bench lm, bench generate
and profile-step, in f32 and, where the GPU has it, in f16. Keeps all their numbers as one JSON file, and prints the most
telling ones. A part that fails is kept too, with what it said.

  deno task bench gpu [options]

  --out FILE          Where to keep the numbers (default: data/benchmarks/ADAPTER.json)
  --force             Replace an existing FILE.
  --shapes NAME,NAME  Models (default: large-128,gpt2-small)
  --sizes SIZE,SIZE   Matrix products, as of bench matmul (default: 1024,4096)
  --max-rows N        As of bench gpu-tiles (default: 8192)
  --rounds N          As of bench lm and bench generate (default: 7)
  --torch PYTHON      Also train in PyTorch, by turns in the same run.
  --torch-device NAME cpu or cuda (default: cuda)

To see whether it works, in about a minute on a software adapter:

  deno task bench gpu --shapes tiny --sizes 64 --max-rows 64 --rounds 1

Shapes
${LM_SHAPES_HELP}
`;

const FLAGS = {
  out: { type: "string" },
  force: { type: "boolean" },
  shapes: { type: "string", default: "large-128,gpt2-small" },
  sizes: { type: "string", default: "1024,4096" },
  "max-rows": { type: "integer", default: 8192, min: 1 },
  rounds: { ...REPEATS, default: 7 },
  torch: { type: "string" },
  "torch-device": { type: "string", default: "cuda", choices: ["cpu", "cuda"] },
} as const;

const ROOT = new URL("../../", import.meta.url);

/** What a task printed with --json, or why it did not. */
type Part<T> = T | { readonly failed: string };

/** Of bench matmul's JSON, what is printed here. */
interface MatmulPart {
  readonly limits: { readonly peak: number };
  readonly results: readonly {
    readonly sizes: readonly number[];
    readonly products: readonly { readonly flopsPerSecond: number }[];
  }[];
}

/** Of the JSON of bench lm and bench generate. */
interface SpeedPart {
  readonly results: readonly {
    readonly shape: string;
    readonly tokensPerSecond: number;
    readonly measured?: { readonly mfu?: number };
    readonly torch?: { readonly tokensPerSecond: number };
    readonly ratio?: number;
  }[];
}

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench gpu", help: HELP, flags: FLAGS }, args, benchGpu);
}

async function benchGpu(flags: Flags<typeof FLAGS>): Promise<void> {
  const { shapes, sizes, torch } = flags;
  const names = namedLmShapes("bench gpu", shapes).map(([name]) => name);
  if (flags.out !== undefined) await requireOutputFile(flags.out, { force: flags.force, inputs: [] });
  await requireTorch(torch);
  quietVulkanLoader();
  const { adapter, missing } = await findAdapter();
  if (adapter === undefined) throw new UserError(missingAdapterMessage(missing));
  const { description, features } = summarizeAdapter(adapter);
  const out = flags.out ?? `data/benchmarks/${slugOf(description)}.json`;
  if (flags.out === undefined) await requireOutputFile(out, { force: flags.force, inputs: [] });

  const on = ["--backend", "webgpu"];
  const rounds = ["--rounds", String(flags.rounds)];
  const beside = torch === undefined ? [] : ["--torch", torch, "--torch-device", flags["torch-device"]];
  const dtypes = features.includes("shader-f16") ? ["f32", "f16"] : ["f32"];
  const doctor = await run("doctor");
  const matmul: Record<string, Part<MatmulPart>> = {};
  const training: Record<string, Part<SpeedPart>> = {};
  const profile: Record<string, unknown> = {};
  for (const dtype of dtypes) {
    const as = ["--dtype", dtype, ...on];
    matmul[dtype] = await run("bench", "matmul", "--sizes", sizes, ...as);
    training[dtype] = await run("bench", "lm", "--shapes", shapes, ...rounds, ...as, ...beside);
    for (const name of names) profile[`${name} ${dtype}`] = await run("profile-step", "--shape", name, ...as);
  }
  const generation = await run<Part<SpeedPart>>("bench", "generate", "--shapes", shapes, ...rounds, ...on);
  const tiles = await run("bench", "gpu-tiles", "--shapes", shapes, "--max-rows", String(flags["max-rows"]));
  const results = { gpu: description, doctor, matmul, training, generation, profile, tiles };
  await Deno.mkdir(dirname(out), { recursive: true });
  await writeFileAtomically(out, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`${description}\n\n${formatTable(HEADER, rowsOf(matmul, training, generation))}\n\nWritten to ${out}`);
}

const HEADER = ["what", "speed", "of FP32 peak", "PyTorch f32", "ratio"];

function rowsOf(
  matmul: Readonly<Record<string, Part<MatmulPart>>>,
  training: Readonly<Record<string, Part<SpeedPart>>>,
  generation: Part<SpeedPart>,
): string[][] {
  const failed = (what: string) => [[what, "failed", "", "", ""]];
  const products = Object.entries(matmul).flatMap(([dtype, part]) => {
    const what = `matmul ${dtype}`;
    if ("failed" in part) return failed(what);
    return part.results.map(({ sizes, products: [{ flopsPerSecond }] }) => {
      const share = formatShare(flopsPerSecond / part.limits.peak);
      return [`${what}, ${sizes.join(" × ")}`, formatSi(flopsPerSecond, "FLOP/s"), share, "", ""];
    });
  });
  const speeds = (what: string, part: Part<SpeedPart>) => {
    if ("failed" in part) return failed(what);
    return part.results.map(({ shape, tokensPerSecond, measured, torch, ratio }) => [
      `${what}, ${shape}`,
      `${formatCount(tokensPerSecond)} tokens/s`,
      measured?.mfu === undefined ? "" : formatShare(measured.mfu),
      torch === undefined ? "" : `${formatCount(torch.tokensPerSecond)} tokens/s`,
      ratio === undefined ? "" : ratio.toFixed(2),
    ]);
  };
  const peak = matmul.f32;
  return [
    ..."failed" in peak ? [] : [["FP32 peak", formatSi(peak.limits.peak, "FLOP/s"), "", "", ""]],
    ...products,
    ...Object.entries(training).flatMap(([dtype, part]) => speeds(`training ${dtype}`, part)),
    ...speeds("generation f32", generation),
  ];
}

/** An adapter's name as a file's. */
function slugOf(description: string): string {
  return description.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "gpu";
}

/** Runs a task in a process of its own, so that one that dies takes nothing with it. */
async function run<T>(task: string, ...args: string[]): Promise<Part<T>> {
  console.error(["deno task", task, ...args].join(" "));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", task, ...args, "--json"],
    cwd: ROOT,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (success) return JSON.parse(decode(stdout));
  console.error(`failed: ${decode(stderr).trim()}`);
  return { failed: decode(stderr).trim() };
}

if (import.meta.main) Deno.exit(await main(Deno.args));
