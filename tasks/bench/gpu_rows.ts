// The most telling numbers of bench gpu, as rows of a table.
import { shareOfRoofline } from "../../lib/accounting/limits_exceeded.ts";
import type { MachineLimits } from "../../lib/accounting/roofline.ts";
import { formatCount, formatDuration, formatShare, formatSi } from "../../lib/accounting/units.ts";
import { type FailedJob, type GpuPart, type GpuResults, isFailed } from "./gpu_parts.ts";

/** Titles of the rows' cells. */
export const GPU_HEADER = ["what", "speed", "of FP32 peak", "PyTorch f32", "ratio"];

type Job<T> = T | FailedJob;

/** Of doctor's JSON, what is shown here. */
interface Doctor {
  readonly selfTest?: { readonly faults: readonly unknown[] };
  readonly selfTestF16?: { readonly faults: readonly unknown[] };
}

/** Of bench matmul's. */
interface Matmul {
  readonly limits: MachineLimits;
  readonly results: readonly {
    readonly sizes: readonly number[];
    readonly products: readonly { readonly flops: number; readonly seconds: number }[];
  }[];
}

/** Of bench lm's and bench generate's. */
interface Speeds {
  readonly limits?: MachineLimits;
  readonly results: readonly {
    readonly tokensPerSecond: number;
    readonly measured?: { readonly mfu?: number };
    readonly torch?: { readonly tokensPerSecond: number };
  }[];
}

/** Of profile-step's. */
interface Profile {
  readonly seconds: number;
  readonly flops: number;
}

/** Of bench gpu-tiles'. */
interface Tiles {
  readonly results: readonly {
    readonly kernel: string;
    readonly rows: number;
    readonly I: number;
    readonly O: number;
    readonly flopsPerSecond: number;
    readonly isChosen: boolean;
  }[];
}

/** The rows of one part, as far as it was measured. */
export function gpuRows(part: GpuPart, results: GpuResults): string[][] {
  const all = results[part];
  if (all === undefined) return [];
  if (isFailed(all)) return [[part, "failed", "", "", ""]];
  switch (part) {
    case "doctor":
      return doctorRows(all as Doctor);
    case "lm":
      return rowsByKey(part, all, (key, job: Speeds) => speedRows(`training ${key}`, job, torchSpeed(results, key)));
    case "matmul":
      return rowsByKey(part, all, matmulRows);
    case "profile":
      return rowsByKey(part, all, (key, { seconds, flops }: Profile) => [
        [`step of ${key}, by kernels`, formatDuration(seconds), "", "", ""],
        ["  its arithmetic", formatSi(flops / seconds, "FLOP/s"), "", "", ""],
      ]);
    case "generate":
      return rowsByKey(part, all, (key, job: Speeds) => speedRows(`generation ${key}`, job));
    case "tiles":
      return tileRows(all as Tiles);
  }
}

function rowsByKey<T>(part: GpuPart, all: unknown, rows: (key: string, job: T) => string[][]): string[][] {
  return Object.entries(all as Record<string, Job<T>>).flatMap(([key, job]) =>
    isFailed(job) ? [[`${part} ${key}`, "failed", "", "", ""]] : rows(key, job)
  );
}

function doctorRows({ selfTest, selfTestF16 }: Doctor): string[][] {
  const verdict = (test: Doctor["selfTest"]) => !test ? "none" : test.faults.length === 0 ? "all right" : "wrong";
  return [["kernels in f32", verdict(selfTest)], ["kernels in f16", verdict(selfTestF16)]].map((row) => [
    ...row,
    ...["", "", ""],
  ]);
}

function matmulRows(dtype: string, { limits, results }: Matmul): string[][] {
  const peak = dtype === "f32" ? [["FP32 peak", formatSi(limits.peak, "FLOP/s"), "", "", ""]] : [];
  const memory = dtype === "f32" ? [["memory", formatSi(limits.bandwidth, "B/s"), "", "", ""]] : [];
  const products = results.map(({ sizes, products: [{ flops, seconds }] }) => {
    const share = shareOfRoofline({ flops, bytes: 0, seconds }, limits);
    return [`matmul ${dtype}, ${sizes.join(" × ")}`, formatSi(flops / seconds, "FLOP/s"), formatShare(share), "", ""];
  });
  return [...peak, ...memory, ...products];
}

function speedRows(what: string, { results }: Speeds, torch?: number): string[][] {
  return results.map(({ tokensPerSecond, measured }) => [
    what,
    `${formatCount(tokensPerSecond)} tokens/s`,
    measured === undefined ? "" : formatShare(measured.mfu),
    torch === undefined ? "" : `${formatCount(torch)} tokens/s`,
    torch === undefined ? "" : (tokensPerSecond / torch).toFixed(2),
  ]);
}

/** PyTorch's tokens/s with a shape: it trained beside f32 alone. */
function torchSpeed({ lm }: GpuResults, key: string): number | undefined {
  const job = (lm as Readonly<Record<string, Job<Speeds>>>)[key.replace(/ f16$/, " f32")];
  return job === undefined || isFailed(job) ? undefined : job.results[0].torch?.tokensPerSecond;
}

/** How far the chosen way of each product is from the fastest one at worst. */
function tileRows({ results }: Tiles): string[][] {
  const products = Map.groupBy(results, ({ kernel, rows, I, O }) => `${kernel} ${rows} ${I} ${O}`);
  const shares = products.values().map((variants) => {
    const chosen = variants.find(({ isChosen }) => isChosen)?.flopsPerSecond ?? 0;
    return chosen / Math.max(...variants.map(({ flopsPerSecond }) => flopsPerSecond));
  });
  const worst = Math.min(...shares);
  return [[`chosen tiles of ${products.size} products`, `${formatShare(worst)} of the best at worst`, "", "", ""]];
}
