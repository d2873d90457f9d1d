/**
 * Measures everything about a GPU in one go.
 *
 *   deno task bench gpu --torch venv/bin/python > data/benchmarks/gpu.json
 */
import type { Flags } from "../cli/flags.ts";
import { runTask } from "../cli/run.ts";
import { LM_SHAPES_HELP, namedLmShapes } from "./lm_shapes.ts";

const HELP = `
Measures everything about a GPU, one task after another, and prints all their numbers as one JSON object: doctor,
bench gpu-tiles, bench lm, bench generate and profile-step. A part that fails is kept too, with what it said.

  deno task bench gpu [options] > FILE.json

  --shapes NAME,NAME  Models (default: large-128,gpt2-small)
  --torch PYTHON      Also train in PyTorch on the same GPU, by turns in the same run.

Shapes
${LM_SHAPES_HELP}
`;

const FLAGS = {
  shapes: { type: "string", default: "large-128,gpt2-small" },
  torch: { type: "string" },
} as const;

const ROOT = new URL("../../", import.meta.url);

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench gpu", help: HELP, flags: FLAGS }, args, benchGpu);
}

async function benchGpu({ shapes, torch }: Flags<typeof FLAGS>): Promise<void> {
  const names = namedLmShapes("bench gpu", shapes).map(([name]) => name);
  const on = ["--backend", "webgpu"];
  const beside = torch === undefined ? [] : ["--torch", torch, "--torch-device", "cuda"];
  const results = {
    doctor: await run("doctor"),
    tiles: await run("bench", "gpu-tiles", "--shapes", shapes),
    training: await run("bench", "lm", "--shapes", shapes, ...on, ...beside),
    generation: await run("bench", "generate", "--shapes", shapes, ...on),
  };
  const profile: Record<string, unknown> = {};
  for (const name of names) profile[name] = await run("profile-step", "--shape", name, ...on);
  console.log(JSON.stringify({ ...results, profile }, null, 2));
}

/** Runs a task in a process of its own, so that one that dies takes nothing with it. */
async function run(task: string, ...args: string[]): Promise<unknown> {
  console.error(["deno task", task, ...args].join(" "));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", task, ...args, "--json"],
    cwd: ROOT,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return success ? JSON.parse(decode(stdout)) : { failed: decode(stderr).trim() };
}

if (import.meta.main) Deno.exit(await main(Deno.args));
