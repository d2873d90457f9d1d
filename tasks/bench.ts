/**
 * Measures this machine: kernels, training steps, generation, tokenizing.
 *
 *   deno task bench lm --json
 */
import { UsageError } from "./cli/errors.ts";
import { oneOf } from "./cli/nearest.ts";
import { shown } from "./cli/shown.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";

/** Each bench is a task of its own, under tasks/bench; it is loaded only when asked for. */
export const BENCHES: Readonly<Record<string, () => Promise<{ main(args: string[]): Promise<number> }>>> = {
  matmul: () => import("./bench/matmul.ts"),
  kernels: () => import("./bench/kernels.ts"),
  lm: () => import("./bench/lm.ts"),
  curve: () => import("./bench/curve.ts"),
  learning: () => import("./bench/learning.ts"),
  generate: () => import("./bench/generate.ts"),
  serve: () => import("./bench/serve.ts"),
  gpu: () => import("./bench/gpu.ts"),
  "gpu-tiles": () => import("./bench/gpu_tiles.ts"),
  tokenizer: () => import("./bench/tokenizer.ts"),
};

const HELP = `
Measures this machine. Each bench prints a table, or with --json all of its numbers.

  deno task bench matmul     Matrix products: FLOP/s, share of what the machine allows
  deno task bench kernels    All other kernels: GB/s, FLOP/s, share of what the machine allows
  deno task bench lm         Training steps: tokens/s, FLOP/s, share of the peak; with --torch, beside PyTorch
  deno task bench curve      Loss curves of a whole training run here and in PyTorch, on the same weights and batches
  deno task bench learning   What models learn in the same time with other settings, by several seeds each
  deno task bench generate   Generation with a KV cache: tokens/s, compared with reading the weights once per token
  deno task bench serve      The server: requests over loopback, how long they take, tokens/s of one and of several
  deno task bench gpu        Everything about a GPU, saved as JSON
  deno task bench gpu-tiles  A GPU's matrix products: each way to compute them, and the one that is chosen
  deno task bench tokenizer  Training and encoding; with --python, beside other tokenizers

Each has its own --help.
`;

export async function main(args: string[]): Promise<number> {
  const [what = "no bench", ...rest] = args;
  if (Object.hasOwn(BENCHES, what)) return await (await BENCHES[what]()).main(rest);
  return await runTask(
    { name: "bench", help: HELP, flags: {} },
    args.filter((arg) => ["-h", "--help", "--version"].includes(arg)),
    () => {
      throw new UsageError(
        `Cannot run bench: got ${shown(what)}, must be ${
          oneOf(what, Object.keys(BENCHES))
        }. See: deno task bench --help`,
      );
    },
  );
}

if (import.meta.main) await runProgram(main);
