// The parts of bench gpu: which tasks they run, and what is kept of each.
import type { ChildResult } from "./child_task.ts";

/** The parts, in the order in which they are measured: what tells most for its time comes first. */
export const GPU_PARTS = ["doctor", "lm", "matmul", "profile", "generate", "tiles"] as const;

/** One of the parts. */
export type GpuPart = typeof GPU_PARTS[number];

/** One task to run. */
export interface GpuJob {
  readonly part: GpuPart;
  /** Which of the part's results it is, where there are several. */
  readonly key?: string;
  readonly task: "doctor" | "bench" | "profile-step";
  readonly args: readonly string[];
}

/** Why there are no numbers of a job, and what it printed all the same. */
export interface FailedJob {
  readonly failed: string;
  readonly printed?: unknown;
}

/** What is kept: for each part what its task printed with --json, or for each key of the part. */
export type GpuResults = Partial<Record<GpuPart, unknown>> & {
  readonly gpu: string;
  /** How long each job took. */
  readonly seconds: Record<string, number>;
};

/** What bench gpu is asked for. */
export interface GpuJobOptions {
  readonly only: readonly GpuPart[];
  readonly shapes: readonly string[];
  readonly sizes: string;
  readonly maxRows: number;
  readonly rounds: number;
  readonly dtypes: readonly string[];
  readonly software: boolean;
  /** The flags of bench lm that name PyTorch, or none. */
  readonly torch: readonly string[];
}

/** The tasks to run. */
export function gpuJobs(options: GpuJobOptions): GpuJob[] {
  const { only, shapes, dtypes } = options;
  const on = ["--backend", "webgpu", "--json"];
  const rounds = ["--rounds", String(options.rounds)];
  const software = options.software ? ["--software"] : [];
  const bench = (part: GpuPart, key: string, ...args: string[]): GpuJob => ({ part, key, task: "bench", args });
  // A task for each shape and type: one that hangs, or lacks memory, loses no other's numbers.
  const each = <T>(job: (shape: string, dtype: string) => T) =>
    shapes.flatMap((shape) => dtypes.map((dtype) => job(shape, dtype)));
  const jobs: Readonly<Record<GpuPart, readonly GpuJob[]>> = {
    doctor: [{ part: "doctor", task: "doctor", args: ["--json"] }],
    lm: each((shape, dtype) => {
      // PyTorch computes in f32 whatever the type: once is enough.
      const torch = dtype === "f32" ? options.torch : [];
      return bench("lm", `${shape} ${dtype}`, "lm", "--shapes", shape, "--dtype", dtype, ...rounds, ...torch, ...on);
    }),
    matmul: dtypes.map((dtype) => bench("matmul", dtype, "matmul", "--sizes", options.sizes, "--dtype", dtype, ...on)),
    profile: each((shape, dtype) => ({
      part: "profile",
      key: `${shape} ${dtype}`,
      task: "profile-step",
      args: ["--shape", shape, "--dtype", dtype, ...on],
    })),
    generate: shapes.map((shape) => bench("generate", `${shape} f32`, "generate", "--shapes", shape, ...rounds, ...on)),
    tiles: [{
      part: "tiles",
      task: "bench",
      args: ["gpu-tiles", "--shapes", shapes[0], "--max-rows", String(options.maxRows), ...software, "--json"],
    }],
  };
  return GPU_PARTS.filter((part) => only.includes(part)).flatMap((part) => jobs[part]);
}

/** A job's name for a person. */
export function nameOf({ part, key }: Pick<GpuJob, "part" | "key">): string {
  return key === undefined ? part : `${part} ${key}`;
}

/**
 * Runs the jobs one after another; one that fails is noted, and the next begins.
 *
 * @param keep Called with the results after each job.
 * @returns The names of those that failed.
 */
export async function runJobs(
  jobs: readonly GpuJob[],
  results: GpuResults,
  run: (job: GpuJob) => Promise<ChildResult>,
  keep: (job: GpuJob) => Promise<void>,
): Promise<string[]> {
  const failures: string[] = [];
  for (const job of jobs) {
    const child = await run(job);
    const result = resultOf(child);
    if (isFailed(result)) failures.push(nameOf(job));
    results.seconds[nameOf(job)] = Math.round(child.seconds * 10) / 10;
    results[job.part] = job.key === undefined ? result : { ...results[job.part] ?? {}, [job.key]: result };
    await keep(job);
  }
  return failures;
}

/** Whether a job's result says why there is none. */
export function isFailed(result: unknown): result is FailedJob {
  return typeof result === "object" && result !== null && "failed" in result;
}

function resultOf({ stdout, failed }: ChildResult): unknown {
  let printed: unknown;
  try {
    printed = JSON.parse(stdout);
  } catch {
    return { failed: failed ?? `got ${stdout === "" ? "nothing" : "no JSON"} from it` };
  }
  return failed === undefined ? printed : { failed, printed };
}
